"""The tables of RESULTS.md, made of the results alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks import growth
from benchmarks.contestants import CONTESTANTS
from benchmarks.results import Results
from benchmarks.targets import TARGETS
from benchmarks.workloads import WORKLOADS

NONE = "–"
FITS = ("cold", "warm", "gradient")
COLUMNS = (
    *("contestant", "compile", "first fit", "second fit", "least ESS", "ESS/s"),
    *("with compile", "gradient", "r-hat", "memory", "× NumPyro", "× nutpie", "means off"),
)
LEGEND = """\
- **compile**, **first fit**, **second fit**: seconds; a fit is a process of its own, from its start to all draws
  of the shared quantities in hand, imports and reading included; the first finds no compiled code, the second that of the first.
- **least ESS**: the smallest bulk effective sample size over all members of all shared quantities, group effects included.
  **ESS/s**: over the seconds of warm-up, sampling and exact draws of what was integrated out, of the faster of the two fits;
  **with compile**: over those of the first fit. **× NumPyro**, **× nutpie**: ESS/s over that of the one written by hand.
- **gradient**: one value and gradient of the log density; of PyMC with the overhead of a call from Python.
- **memory**: the most that the largest process of a first fit held.
- **means off**: the largest difference of a posterior mean from that of the contestant with the most effective draws, in
  Monte Carlo standard errors; some hundred means are compared, so that 3 or 4 is chance. In italics where r-hat is above 1.05.
"""  # noqa: E501


def report(results: Results, picture: str | None) -> str:
    """The whole page; ``picture`` is the file name of the picture, None where there is none."""
    sections = [_head(results)]
    if picture:
        sections.append(f"![Effective draws per second, and growth]({picture})")
    sections += ["## Targets", targets_table(results)]
    fitted = [name for name in results.present(0) if _has(results, name, FITS[:1])]
    if fitted:
        sections += ["## Fits", LEGEND.strip()]
        for name in fitted:
            sections += [f"### {name}: {WORKLOADS[name].title}", fits_table(results, name)]
    large = [n for n in results.present(0) if n in WORKLOADS and WORKLOADS[n].large]
    if large:
        sections.append("## Large models")
        for name in large:
            sections += [f"### {name}: {WORKLOADS[name].title}", large_table(results, name)]
    for curve, title in ((growth.ROWS, "rows"), (growth.GROUPS, "groups")):
        if curve in results.present(0):
            sections += [f"## A gradient as {title} grow", growth_table(results, curve)]
    return "\n\n".join(sections) + "\n"


def _has(results: Results, workload: str, stages: Sequence[str]) -> bool:
    return any(key[0] == workload and key[2] in stages for key in results.cells)


def _head(results: Results) -> str:
    head = results.head
    if not head:
        return "# Benchmarks\n\nNothing was run."
    settings = head["settings"]
    versions = ", ".join(f"{name} {found}" for name, found in head["versions"].items())
    return (
        "# Benchmarks\n\n"
        f"Made by `python -m benchmarks`, begun {head['begun']}; {head['machine']}; {versions}. "
        f"{settings['chains']} chains × ({settings['warmup']} + {settings['draws']}) of NUTS, "
        f"float64; {head['limit']:.0f} s at most for a fit. Seconds are this machine's; ratios "
        "within a run are what lasts."
    )


def targets_table(results: Results) -> str:
    """Each target, what was measured, and whether it was reached."""
    rows = []
    for target in TARGETS:
        value = target.measure(results)
        bound = f"{'≥' if target.sense == 'at least' else '≤'} {target.bound:g}{target.unit}"
        if value is None:
            shown, verdict = NONE, "not measured"
        elif np.isinf(value):
            shown, verdict = "not in time", "not reached"
        else:
            shown = f"{significant(value)}{target.unit}"
            verdict = "**reached**" if target.is_reached(value) else "not reached"
        rows.append([target.workload, target.title, bound, shown, verdict])
    return table(("workload", "what", "target", "measured", ""), rows)


def fits_table(results: Results, workload: str) -> str:
    """Everybody's fits of a workload."""
    seen = [key for key in results.cells if key[0] == workload]
    names = [name for name in CONTESTANTS if any(key[1] == name for key in seen)]
    reference = _reference(results, workload, names)
    rows = [_fit_row(results, workload, name, reference) for name in names]
    for name, contestant in CONTESTANTS.items():
        if name in results.present(1) and not contestant.can(WORKLOADS[workload]):
            rows.append([contestant.title, "cannot express it"])
    return table(COLUMNS, rows)


def _reference(results: Results, workload: str, names: Sequence[str]) -> Mapping[str, Any]:
    cells = (results.of(workload, name, stage) for name in names for stage in ("cold", "warm"))
    done = [cell for cell in cells if cell.get("status") == "done"]
    return max(done, key=lambda cell: float(cell["ess"]), default={})


def _fit_row(results: Results, workload: str, name: str, reference: Mapping[str, Any]) -> list[str]:
    title = CONTESTANTS[name].title
    gradient = duration(results.number("gradient", workload, name, "gradient"))
    first, second = (results.of(workload, name, stage) for stage in ("cold", "warm"))
    fit = first if first.get("status") == "done" else second
    if fit.get("status") != "done":
        return [title, NONE, str(first.get("said", NONE)), *[NONE] * 4, gradient, *[NONE] * 5]
    is_first = fit is first
    rate = results.rate(workload, name)
    return [
        title,
        significant(first["compile"]) if is_first else NONE,
        significant(first["wall"]) if is_first else str(first.get("said", NONE)),
        significant(results.number("wall", workload, name, "warm")),
        f"{fit['ess']:.0f}",
        significant(rate),
        significant(first["ess"] / first["wall"]) if is_first else NONE,
        gradient,
        f"{fit['rhat']:.3f}",
        f"{fit['memory']:,.0f} MB",
        *(significant(_ratio(rate, results.rate(workload, b))) for b in ("numpyro", "pymc-nutpie")),
        _difference(fit, reference),
    ]


def _ratio(ours: float | None, theirs: float | None) -> float | None:
    return None if ours is None or not theirs else ours / theirs


def _difference(cell: Mapping[str, Any], reference: Mapping[str, Any]) -> str:
    """The largest distance between two contestants' means, in standard errors."""
    if cell is reference:
        return "0 (reference)"
    largest = 0.0
    for name, (mean, error) in cell["means"].items():
        other, its_error = reference["means"][name]
        scale = np.hypot(error, its_error)
        largest = max(largest, float(np.max(np.abs(np.subtract(mean, other)) / scale)))
    return f"*{largest:.1f}*" if cell["rhat"] > 1.05 else f"{largest:.1f}"


def large_table(results: Results, workload: str) -> str:
    """What is measured of a workload that is too large for everybody's NUTS."""
    rows = []
    for name, contestant in CONTESTANTS.items():
        cells = {s: results.of(workload, name, s) for s in WORKLOADS[workload].stages}
        if not any(cells.values()):
            continue
        shown = [
            *(_measured(cells, stage, number) for stage, number in SINGLE),
            *(_fitted(cells.get(stage, {})) for stage in ("laplace", "nuts")),
        ]
        rows.append([contestant.title, *shown])
    return table(("contestant", "gradient", "step of SVI, 8 particles", "`laplace`", "NUTS"), rows)


SINGLE = (("gradient", "gradient"), ("svi-step", "svi_step"))


def _measured(cells: Mapping[str, Mapping[str, Any]], stage: str, number: str) -> str:
    cell = cells.get(stage, {})
    if cell.get("status") == "done":
        return duration(cell[number])
    return str(cell.get("said", NONE))


def _fitted(cell: Mapping[str, Any]) -> str:
    if cell.get("status") != "done":
        return str(cell.get("said", NONE))
    wall, apart = significant(cell["wall"]), significant(cell["sampling"])
    return f"{wall} s in all, {apart} s the method, r-hat {cell['rhat']:.3f}"


def growth_table(results: Results, curve: str) -> str:
    """The cost of a gradient along a curve."""
    rows = []
    for name in growth.CONTESTANTS:
        cells = [results.of(curve, name, "gradient", sizes) for sizes in growth.SIZES[curve]]
        shown = [_measured({"gradient": cell}, "gradient", "gradient") for cell in cells]
        if any(cells):
            rows.append([CONTESTANTS[name].title, *shown])
    sizes = [f"{groups:,} groups, {rows:,} rows" for groups, rows in growth.SIZES[curve]]
    return table(("contestant", *sizes), rows)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; rows that are too short are filled up.

    >>> print(table(("a", "b"), [["1"]]))
    | a | b |
    |---|---|
    | 1 |  |
    """
    lines = [_line(columns), "|" + "---|" * len(columns)]
    return "\n".join([*lines, *(_line([*row, *[""] * (len(columns) - len(row))]) for row in rows)])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def significant(value: float | None) -> str:
    """A number to about three digits, without an exponent.

    >>> [significant(v) for v in (None, 0.1234, 12.34, 1234.5)]
    ['–', '0.123', '12.3', '1,234']
    """
    if value is None:
        return NONE
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def duration(seconds: float | None) -> str:
    """Seconds in the unit that suits them.

    >>> [duration(v) for v in (None, 3.3e-6, 0.0123, 2.0)]
    ['–', '3.3 µs', '12.3 ms', '2 s']
    """
    if seconds is None:
        return NONE
    if seconds < 1e-3:
        return f"{significant(seconds * 1e6)} µs"
    return f"{significant(seconds * 1e3)} ms" if seconds < 1 else f"{significant(seconds)} s"
