"""What a number of replicates say of a design: coverage, bias, ranks, and what stays unknown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import comb, floor, log10
from typing import Any

import numpy as np

from hdsl.fit.draws import Numbers
from hdsl.fit.failure import failure
from hdsl.ir.model import Deviations, Model
from hdsl.workflow.prior import Prepared

SMALL = 12
"""A quantity counts as one of the population up to so many numbers."""

R_HAT = 1.05
NOTHING, LITTLE = 0.85, 0.6
"""A posterior so wide, against its prior, says next to nothing, or little."""

CHANCE = 0.001
"""A coverage so unlikely by chance is called wrong."""


@dataclass(frozen=True)
class Row:
    """One quantity, its numbers taken together, or one number of it.

    ``in50`` and ``in90`` are shares of replicates whose interval held the truth; ``width`` is the
    posterior's against the prior's; ``quarters`` says how often the truth fell into each quarter
    of the draws.
    """

    name: str
    numbers: int
    in50: float
    in90: float
    bias: float
    bias_error: float
    width: float
    quarters: tuple[float, float, float, float]

    def cells(self) -> list[str]:
        """The row as text."""
        error = self.bias_error
        places = max(1 - floor(log10(error)), 0) if error > 0 and np.isfinite(error) else 2
        bias = f"{self.bias:.{places}f}" + (f" ± {error:.{places}f}" if np.isfinite(error) else "")
        quarters = " ".join(f"{100 * share:3.0f}" for share in self.quarters)
        numbers = str(self.numbers)
        return [
            *(self.name, numbers, f"{self.in50:.0%}", f"{self.in90:.0%}", bias),
            *(f"{self.width:.0%}", quarters),
        ]


COLUMNS = ("", "numbers", "in 50%", "in 90%", "bias", "width", "ranks")
LEGEND = (
    "in 50%, in 90%: how often these intervals held the truth; 50% and 90% are meant.",
    "bias: estimate minus truth, with its standard error.",
    "width: of the posterior, where the prior's is 100%.",
    "ranks: how often, in %, the truth lay in each quarter of the draws; 25 are meant.",
)


@dataclass(frozen=True)
class Recovery:
    """The replicates of a design, by number, and what they come to.

    ``widths`` are those of the prior. ``complete`` unless it was stopped. ``settings`` are the
    parameters that were set: the truth is then no draw from the prior.
    """

    prepared: Prepared
    widths: Mapping[str, Numbers]
    replicates: Mapping[int, Mapping[str, Any]]
    times: int
    complete: bool
    settings: tuple[str, ...] = ()

    @cached_property
    def fits(self) -> tuple[Mapping[str, Any], ...]:
        """The replicates that were fitted."""
        return tuple(r for r in self.replicates.values() if "quantities" in r)

    @cached_property
    def quantities(self) -> tuple[str, ...]:
        """The quantities that were compared, in the order of the model."""
        known = self.fits[0]["quantities"] if self.fits else {}
        return tuple(name for name in self.prepared.dims if name in known)

    def row(self, name: str) -> Row:
        """A quantity, all of its numbers taken together."""
        return self._row(name, name, slice(None))

    def members(self, name: str) -> Iterator[Row]:
        """Each number of a quantity by itself."""
        for place, label in enumerate(self._labels(name)):
            yield self._row(label, name, slice(place, place + 1))

    def rows(self, names: Sequence[str] = ()) -> tuple[Row, ...]:
        """All quantities but deviations; or every number of those that are named."""
        if not names:
            return tuple(self.row(n) for n in self.quantities if not n.startswith("dev("))
        for name in names:
            if name not in self.quantities:
                known = ", ".join(self.quantities)
                raise failure("H527", f"there is no quantity `{name}`", f"there are: {known}")
        return tuple(row for name in names for row in self.members(name))

    def json(self) -> str:
        """The rows as JSON, with the sentences."""
        rows = [vars(self.row(name)) for name in self.quantities]
        found = {"replicates": len(self.replicates), "fits": len(self.fits), "quantities": rows}
        return json.dumps({**found, "says": list(self.lines())}, indent=2, ensure_ascii=False)

    def lines(self) -> tuple[str, ...]:
        """What it comes to, in sentences."""
        if not self.fits:
            return (*self._progress(), *self._trouble())
        return (*self._progress(), *self._trouble(), *self._coverage(), *self._unknown())

    def _row(self, label: str, name: str, part: slice) -> Row:
        def each(key: str) -> Numbers:
            return np.array([fit["quantities"][name][key][part] for fit in self.fits], float)

        truth, mean, ranks = each("truth"), each("mean"), each("rank")
        low90, low68, low50, high50, high68, high90 = np.moveaxis(each("quantiles"), 2, 0)
        error = mean - truth
        by_fit = error.mean(axis=1)
        spread = by_fit.std(ddof=1) / np.sqrt(len(by_fit)) if len(by_fit) > 1 else np.nan
        prior = self.widths[name][part]
        with np.errstate(all="ignore"):
            width = float(np.nanmean((high68 - low68) / 2 / prior))
        first, second, third, fourth = _quarters(ranks)
        return Row(
            name=label,
            numbers=truth.shape[1],
            in50=float(((low50 <= truth) & (truth <= high50)).mean()),
            in90=float(((low90 <= truth) & (truth <= high90)).mean()),
            bias=float(error.mean()),
            bias_error=float(spread),
            width=width,
            quarters=(first, second, third, fourth),
        )

    def _labels(self, name: str) -> list[str]:
        from hdsl.workflow.recover import numbers_kept

        axes = [[str(v) for v in self.prepared.labels[d]] for d in self.prepared.dims[name]]
        labels = [f"{name}[{', '.join(m)}]" for m in product(*axes)] if axes else [name]
        return [labels[i] for i in numbers_kept(len(labels))]

    def _progress(self) -> list[str]:
        done = len(self.replicates)
        if done < self.times:
            return [f"Stopped after {done} of {self.times} replicates: the figures are of those."]
        return []

    def _trouble(self) -> list[str]:
        found = []
        failed: dict[str, list[int]] = {}
        for number, replicate in self.replicates.items():
            if "failed" in replicate:
                failed.setdefault(replicate["failed"], []).append(number)
        for reason, numbers in failed.items():
            found.append(f"{len(numbers)} of {len(self.replicates)} were not fitted: {reason}.")
        apart = [fit["r_hat"] for fit in self.fits if (fit["r_hat"] or 0) > R_HAT]
        if apart:
            found.append(
                f"In {len(apart)} of {len(self.fits)} fits the chains disagree (r-hat up to "
                f"{max(apart):.2f}): longer warm-up (`--warmup`) may help, and what they say is "
                "counted here all the same."
            )
        diverged = sum(fit["divergences"] > 0 for fit in self.fits)
        if diverged:
            found.append(
                f"In {diverged} of {len(self.fits)} fits some draws diverged: a part of the "
                "posterior was not entered."
            )
        return found

    def _coverage(self) -> list[str]:
        if self.settings:
            return [
                f"The truth was set ({', '.join(self.settings)}), not drawn from the prior: no "
                "coverage is promised for it."
            ]
        if len(self.fits) < 10:
            return [f"{len(self.fits)} fits are too few to judge coverage: 20 say something."]
        wrong = [name for name in self.quantities if self._is_off(name)]
        if not wrong:
            return ["The fits give back what was put in: coverage is as meant, up to chance."]
        return [self._off(name) for name in wrong]

    def _is_off(self, name: str) -> bool:
        held = self._held(name)
        if held.shape[1] == 1:
            return _binomial_tail(int(held.sum()), len(held), 0.9) < CHANCE
        shares = held.mean(axis=1)
        error = max(shares.std(ddof=1) / np.sqrt(len(shares)), np.sqrt(0.09 / held.size))
        return bool(abs(shares.mean() - 0.9) > 4 * error)

    def _held(self, name: str) -> Numbers:
        pairs = [fit["quantities"][name] for fit in self.fits]
        truth = np.array([pair["truth"] for pair in pairs])
        quantiles = np.array([pair["quantiles"] for pair in pairs])
        held: Numbers = (quantiles[..., 0] <= truth) & (truth <= quantiles[..., -1])
        return held

    def _off(self, name: str) -> str:
        share = self._held(name).mean()
        narrow = share < 0.9
        return (
            f"`{name}`: its 90% intervals held the truth in {share:.0%}, which chance does not "
            f"explain: they are too {'narrow, or off' if narrow else 'wide'}."
        )

    def _unknown(self) -> list[str]:
        """What the design cannot pin down, the widest posterior first."""
        population = [n for n in self.quantities if len(self.widths[n]) <= SMALL]
        rows = [self.row(n) for n in population if not n.startswith("dev(")]
        weak = sorted((r for r in rows if r.width >= LITTLE), key=lambda r: -r.width)
        if rows and not weak:
            widest = max(rows, key=lambda r: r.width)
            return [
                "This design pins down every quantity of the population: the widest posterior, "
                f"that of `{widest.name}`, is {widest.width:.0%} as wide as its prior."
            ]
        return [self._weak(row) for row in weak]

    def _weak(self, row: Row) -> str:
        level = level_behind(self.prepared.model, row.name)
        each = f"each group's `{row.name}`" if self.prepared.dims[row.name] else f"`{row.name}`"
        who = "This design says"
        if level is not None and level in self.prepared.labels:
            count = len(self.prepared.labels[level])
            who = f"{count} group{'s' * (count != 1)} of `{level}` say"
        much = "next to nothing" if row.width >= NOTHING else "little"
        return f"{who} {much} of {each}: its posterior is {row.width:.0%} as wide as its prior."


def level_behind(model: Model, name: str) -> str | None:
    """The level whose number of groups limits what can be known of a quantity, if one does."""
    for coefficient in model.coefficients:
        for part in coefficient.parts:
            if name == part.sd or name in (slope for slope, _ in part.slopes):
                return part.level
        if name == coefficient.mean and coefficient.parts:
            return coefficient.parts[0].level
    for node in model.nodes:
        if isinstance(node, Deviations) and node.correlation == name:
            return node.level
    return None


def _quarters(ranks: Numbers) -> tuple[float, float, float, float]:
    quarter = np.minimum((4 * ranks).astype(int), 3).ravel()
    first, second, third, fourth = (float((quarter == q).mean()) for q in range(4))
    return first, second, third, fourth


def _binomial_tail(count: int, total: int, share: float) -> float:
    """The probability of a count at least as unlikely as this one.

    >>> round(_binomial_tail(10, 20, 0.9), 6)
    7e-06
    """
    mass = [comb(total, k) * share**k * (1 - share) ** (total - k) for k in range(total + 1)]
    return sum(p for p in mass if p <= mass[count] * (1 + 1e-9))
