"""The picture beside the tables: effective draws per second, and growth."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import growth
from benchmarks.contestants import CONTESTANTS
from benchmarks.report import significant
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
    curves = [
        c for c in (growth.ROWS, growth.GROUPS) if any(_points(results, c, n) for n in CURVES)
    ]
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
    place.bar_label(bars, [significant(rate) for rate in rates.values()], padding=3, fontsize=7)
    place.set_xlim(min(rates.values()) / 8, max(rates.values()) * 12)
    place.set_ylim(-0.6, max(len(rates), 4) - 0.4)  # few bars are no thicker than many
    place.invert_yaxis()
    place.set_title(f"{workload}: effective draws per second", fontsize=9, loc="left")
    place.tick_params(labelsize=7)
    place.spines[["top", "right"]].set_visible(False)


def _points(results: Results, curve: str, contestant: str) -> list[tuple[int, float]]:
    """What grows, and a gradient in µs, along a curve."""
    along = 1 if curve == growth.ROWS else 0
    return [
        (sizes[along], seconds * 1e6)
        for sizes in growth.SIZES[curve]
        if (seconds := results.number("gradient", curve, contestant, "gradient", sizes)) is not None
    ]


def _curve(place: Any, curve: str, results: Results) -> None:
    for name, colour in CURVES.items():
        points = _points(results, curve, name)
        if points:
            place.loglog(*zip(*points, strict=True), "o-", color=colour, ms=3, lw=1.2)
            beside: Mapping[str, Any] = {"xytext": (5, -2), "textcoords": "offset points"}
            title = CONTESTANTS[name].title
            place.annotate(title, points[-1], fontsize=7, color=colour, **beside)
    place.margins(x=0.3)
    place.set_title(f"a gradient in µs, by {curve.removeprefix('growth-')}", fontsize=9, loc="left")
    place.tick_params(labelsize=7)
    place.spines[["top", "right"]].set_visible(False)
