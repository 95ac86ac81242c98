"""Three poolings of a model side by side: tables, and in words which of them predicts best."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import floor, log10
from typing import Any

import numpy as np

from hdsl.data.bind import Binding
from hdsl.data.problem import numbered
from hdsl.expr import ROW
from hdsl.fit.draws import Numbers
from hdsl.fit.failure import failure
from hdsl.fit.methods.psis import RELIABLE
from hdsl.ir.model import Coefficient, Model
from hdsl.workflow.scores import Gap, LeftOut, gap

SHOWN = 6
"""So many of the smallest and of the largest groups are shown of a coefficient."""

LEGEND = (
    "score: the log of how probable what was left out is, given the rest, summed; more is better.",
    "worse by: how far below the best, with its standard error.",
    "parameters: how many free parameters the fit makes use of.",
    "guessed: rows whose score cannot be told reliably.",
)

R_HAT = 1.05
NONE = "–"


@dataclass(frozen=True)
class Estimates:
    """Mean and sd of the numbers of a quantity, over ``dims`` with their labels."""

    mean: Numbers
    sd: Numbers
    dims: tuple[str, ...]
    labels: Mapping[str, Sequence[str]]

    def at(self, member: Mapping[str, str]) -> tuple[float, float]:
        """The mean and the sd of the number at a label of each level; levels that it does not
        vary by are of no account.
        """
        place = tuple(list(self.labels[d]).index(member[d]) for d in self.dims)
        return float(self.mean[place]), float(self.sd[place])

    def plain(self) -> Any:
        """As JSON has it."""
        members = list(product(*(self.labels[d] for d in self.dims)))
        pairs = zip(np.ravel(self.mean).tolist(), np.ravel(self.sd).tolist(), strict=True)
        found = {
            ", ".join(member): {"mean": mean, "sd": sd}
            for member, (mean, sd) in zip(members, pairs, strict=True)
        }
        return found if self.dims else next(iter(found.values()))


@dataclass(frozen=True)
class Variant:
    """One pooling: its text, what was estimated, and how it predicts.

    ``rows`` are the scores of left-out observations, ``groups`` of groups never seen (None where
    none were held out).
    """

    name: str
    text: str
    estimates: Mapping[str, Estimates]
    rows: LeftOut
    groups: Numbers | None
    r_hat: float | None
    divergences: int


@dataclass(frozen=True)
class Poolings:
    """The three variants, from no pooling to complete pooling."""

    model: Model
    binding: Binding
    variants: tuple[Variant, ...]
    holdout: str | None

    def coefficients(self) -> tuple[Coefficient, ...]:
        """The coefficients that vary by one finest level, so that they can be shown by group."""
        return tuple(
            c
            for c in self.model.coefficients
            if not c.crossed and all(v.estimates.get(c.name) is not None for v in self.variants)
        )

    def of_groups(self, name: str, every: bool = False) -> list[list[str]]:
        """The rows of a coefficient's table: group, its rows, and each variant's estimate."""
        found = next((c for c in self.coefficients() if c.name == name), None)
        if found is None:
            known = ", ".join(c.name for c in self.coefficients()) or "none"
            raise failure(
                "H527", f"no coefficient `{name}` to show by group", f"there are: {known}"
            )
        written = self.variants[1].estimates[name]
        level = self._level(name)
        counts = self._rows_of(level)
        order = np.argsort(counts, kind="stable")
        if not every and len(order) > 2 * SHOWN:
            order = np.concatenate([order[:SHOWN], order[-SHOWN:]])
        cells = []
        axes = [[(d, label) for label in written.labels[d]] for d in written.dims if d != level]
        for group in order.tolist():
            label = written.labels[level][group]
            for rest in product(*axes):
                member = {level: label, **dict(rest)}
                name_of = ", ".join([label, *(other for _, other in rest)])
                pairs = [v.estimates[name].at(member) for v in self.variants]
                cells.append([name_of, str(counts[group]), *map(_shown, pairs)])
        return cells

    def title(self, name: str, every: bool = False) -> str:
        """What stands above a coefficient's table."""
        estimates = self.variants[1].estimates[name]
        size = len(estimates.labels[self._level(name)])
        if every or size <= 2 * SHOWN:
            return f"{name}: mean ± sd, from the smallest group to the largest"
        shown = f"the {SHOWN} smallest and the {SHOWN} largest of {size} groups"
        return f"{name}: mean ± sd, {shown} (--var {name}: all)"

    def of_population(self) -> list[list[str]]:
        """The rows of the table of single numbers: each variant's estimate, where it has one."""
        names = dict.fromkeys(
            name
            for variant in (self.variants[1], *self.variants)
            for name, e in variant.estimates.items()
            if not e.dims and name not in {c.name for c in self.model.coefficients}
        )
        rows = []
        for name in names:
            found = [v.estimates.get(name) for v in self.variants]
            pairs = [None if e is None or e.dims else e.at({}) for e in found]
            cells = [NONE if pair is None else _shown(pair) for pair in pairs]
            rows.append([name, *cells])
        return rows

    def comparison(self, of_groups: bool = False) -> list[list[str]]:
        """The rows of the comparison, the best first: score, how much worse than the best."""
        ranked = self._ranked(of_groups)
        best, _ = ranked[0]
        rows = []
        for variant, score in ranked:
            worse = self._gap(best, variant, of_groups)
            cells = [variant.name, f"{score:.1f}"]
            cells.append("" if variant is best else f"{worse.difference:.1f} ± {worse.error:.1f}")
            if not of_groups:
                cells += [f"{variant.rows.parameters:.1f}", str(int(variant.rows.unreliable.sum()))]
            rows.append(cells)
        return rows

    def lines(self) -> Iterator[str]:
        """What it comes to, in sentences."""
        yield self._verdict(False)
        if self.holdout is not None:
            yield self._verdict(True)
        first = self.variants[0].rows
        if first.of > len(first.scores):
            yield (
                f"{len(first.scores):,} of {first.of:,} rows were scored, drawn at random and the "
                "same for each model."
            )
        for variant in self.variants:
            yield from _warnings(variant)

    def as_json(self) -> str:
        """Everything, for programs."""
        found = {
            v.name: {
                "model": v.text,
                "left-out rows": v.rows.total,
                "unseen groups": None if v.groups is None else float(v.groups.sum()),
                "unreliable": int(v.rows.unreliable.sum()),
                "estimates": {n: e.plain() for n, e in v.estimates.items() if ROW not in e.dims},
            }
            for v in self.variants
        }
        whole = {"poolings": found, "says": list(self.lines())}
        return json.dumps(whole, indent=2, ensure_ascii=False)

    def _level(self, name: str) -> str:
        """The level whose groups a coefficient varies by."""
        axes = next(c.axes for c in self.coefficients() if c.name == name)
        return next(d for d in self.variants[1].estimates[name].dims if d not in axes)

    def _rows_of(self, level: str) -> Numbers:
        groups = self.binding.dataset.groups[level]
        return np.bincount(groups.codes[groups.codes >= 0], minlength=groups.size)

    def _ranked(self, of_groups: bool) -> list[tuple[Variant, float]]:
        scored = [
            (v, float(v.groups.sum()) if of_groups and v.groups is not None else v.rows.total)
            for v in self.variants
        ]
        return sorted(scored, key=lambda pair: -pair[1])

    def _gap(self, best: Variant, other: Variant, of_groups: bool) -> Gap:
        if of_groups:
            assert best.groups is not None and other.groups is not None
            return gap(best.groups, other.groups, len(best.groups))
        return gap(best.rows.scores, other.rows.scores, best.rows.of)

    def _verdict(self, of_groups: bool) -> str:
        """Which variant predicts best, and which of the others are as good as far as is known."""
        (best, _), *others = self._ranked(of_groups)
        gaps = [(variant.name, self._gap(best, variant, of_groups)) for variant, _ in others]
        what = f"unseen groups of `{self.holdout}`" if of_groups else "left-out rows"
        worse = [f"{name} by {g.difference:.1f} ± {g.error:.1f}" for name, g in gaps if g.is_clear]
        alike = [
            f"{name} ({g.difference:.1f} ± {g.error:.1f})" for name, g in gaps if not g.is_clear
        ]
        text = f"{_called(best.name)} predicts {what} best"
        if worse:
            text += f"; clearly worse: {', '.join(worse)}"
        if alike:
            text += f"; not clearly worse: {', '.join(alike)}"
        return text + "."


def _called(name: str) -> str:
    return {"as written": "The model as written"}.get(name, name.capitalize())


def _warnings(variant: Variant) -> Iterator[str]:
    bad = int(variant.rows.unreliable.sum())
    if bad:
        yield (
            f"{_called(variant.name)}: the scores of {numbered(bad, 'row')} of "
            f"{len(variant.rows.scores):,} are guesses (their Pareto k is above {RELIABLE}): the "
            "fit leans on such a row so much that it cannot tell how it would do without it. Its "
            "total score is likely too good."
        )
    if variant.r_hat is not None and variant.r_hat > R_HAT:
        yield (
            f"{_called(variant.name)}: the chains disagree (r-hat up to {variant.r_hat:.2f}): do "
            "not rely on it yet; run longer (`--warmup`, `--draws`)."
        )
    if variant.divergences:
        yield f"{_called(variant.name)}: {numbered(variant.divergences, 'draw')} diverged."


def _shown(pair: tuple[float, float]) -> str:
    """Mean and sd with digits down to a tenth of the sd.

    >>> _shown((0.12345, 0.0678)), _shown((226.14, 13.9))
    ('0.123 ± 0.068', '226 ± 14')
    """
    mean, sd = pair
    places = min(max(1 - floor(log10(sd)), 0), 6) if sd > 0 and np.isfinite(sd) else 2
    return f"{mean:.{places}f} ± {sd:.{places}f}"
