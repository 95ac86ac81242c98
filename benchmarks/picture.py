"""The picture beside the tables: effective draws per second, and growth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import growth
from benchmarks.contestants import CONTESTANTS
from benchmarks.results import Results

OURS, THEIRS = "#1f6f8b", "#b9b4a8"
CURVES = {"numpyro": "#8a8578", "numpyro-tuned": "#c9a24b", "hdsl-O0": "#7fb2c4", "hdsl-O1": OURS}


def draw(results: Results, file: Path) -> bool:
    """Writes the picture as SVG; False where there is nothing to draw."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "benchmarks"  # the same results, the same file
    import matplotlib.pyplot as plt

    bars = [name for name in results.present(0) if _rates(results, name)]
    curves = [c for c in (growth.ROWS, growth.GROUPS) if c in results.present(0)]
    count = len(bars) + len(curves)
    if not count:
        return False
    wide = min(count, 3)
    tall = -(-count // wide)
    figure, places = plt.subplots(tall, wide, figsize=(4.6 * wide, 2.9 * tall), squeeze=False)
    flat = places.ravel()
    for place, name in zip(flat, bars, strict=False):
        _bars(place, name, _rates(results, name))
    for place, curve in zip(flat[len(bars) :], curves, strict=False):
        _curve(place, curve, results)
    for place in flat[count:]:
        place.set_axis_off()
    figure.tight_layout()
    figure.savefig(file, format="svg", metadata={"Date": None})
    plt.close(figure)
    return True


def _rates(results: Results, workload: str) -> dict[str, float]:
    rates = {name: results.rate(workload, name) for name in CONTESTANTS}
    return {name: rate for name, rate in rates.items() if rate is not None}


def _bars(place: Any, workload: str, rates: dict[str, float]) -> None:
    titles = [CONTESTANTS[name].title.replace("`", "") for name in rates]
    colours = [OURS if CONTESTANTS[name].is_ours else THEIRS for name in rates]
    bars = place.barh(titles, list(rates.values()), color=colours, log=True)
    place.bar_label(bars, [f"{rate:,.3g}" for rate in rates.values()], padding=3, fontsize=7)
    place.margins(x=0.2)
    place.invert_yaxis()
    place.set_title(f"{workload}: effective draws per second", fontsize=9, loc="left")
    place.tick_params(labelsize=7)
    place.spines[["top", "right"]].set_visible(False)


def _curve(place: Any, curve: str, results: Results) -> None:
    along = 1 if curve == growth.ROWS else 0
    for name, colour in CURVES.items():
        points = [
            (sizes[along], seconds * 1e6)
            for sizes in growth.SIZES[curve]
            if (seconds := results.number("gradient", curve, name, "gradient", sizes)) is not None
        ]
        if points:
            place.loglog(*zip(*points, strict=True), "o-", color=colour, ms=3, lw=1.2)
            place.annotate(CONTESTANTS[name].title, points[-1], fontsize=7, color=colour)
    place.margins(x=0.3)
    place.set_title(f"a gradient in µs, by {('groups', 'rows')[along]}", fontsize=9, loc="left")
    place.tick_params(labelsize=7)
    place.spines[["top", "right"]].set_visible(False)
