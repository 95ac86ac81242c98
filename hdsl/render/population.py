"""Coefficient statements, drawn compactly: one table of population parameters per joint set.

`alpha, beta ~ county | log_uranium` makes nine quantities. The picture shows three boxes: a table
with their means, slopes, sds and correlation, and each coefficient with its distribution.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from hdsl.expr import Domain, Expr
from hdsl.ir.blocks import slope_term_of
from hdsl.ir.model import (
    Coefficient,
    Correlation,
    Definition,
    Deviations,
    Model,
    Parameter,
    Part,
)
from hdsl.ir.text import text_of, text_of_distribution, text_of_target
from hdsl.ir.uses import expressions, values
from hdsl.render.picture import Arrow, Box, Kind, Line, Row, Table, Tone, wrap
from hdsl.render.plates import framed, level_title, plate_key, titled

_CELL = 26
_LABEL = 32


@dataclass(frozen=True)
class Group:
    """Coefficients whose deviations are drawn jointly, and the parameters of their population."""

    coefficients: tuple[Coefficient, ...]
    deviations: tuple[Deviations, ...]

    @property
    def key(self) -> str:
        """The key of the group's table."""
        return "population of " + ", ".join(c.scale_name for c in self.coefficients)


@dataclass(frozen=True)
class Drawn:
    """What a group becomes: boxes, which quantity each shows, and what each uses."""

    boxes: tuple[tuple[Box | Table, Domain], ...]
    homes: dict[str, str]
    uses: dict[str, tuple[str, ...]]
    joint: tuple[Arrow, ...]


def joint_groups(model: Model) -> tuple[Group, ...]:
    """The coefficients, those that share deviations at any level together, in source order."""
    varying = [c for c in model.coefficients if c.parts]
    owners = {part.deviation: c for c in varying for part in c.parts}
    joint = [n for n in model.nodes if isinstance(n, Deviations)]
    sets = [{c.name} for c in varying]
    for node in joint:
        members = {owners[share.deviation].name for share in node.shares}
        touched = [s for s in sets if s & members]
        sets = [s for s in sets if not s & members] + [set().union(*touched)]
    order = [c.name for c in varying]
    groups = []
    for names in sorted(sets, key=lambda s: min(order.index(name) for name in s)):
        mine = (n for n in joint if owners[n.shares[0].deviation].name in names)
        groups.append(Group(tuple(c for c in varying if c.name in names), tuple(mine)))
    return tuple(groups)


def population(model: Model, group: Group) -> tuple[str, ...]:
    """The population parameters of a group, as one reads them: means, slopes, sds, correlations."""
    entries = list(_entries(model, group))
    return tuple(
        e.name for role in dict.fromkeys(_roles(entries)) for e in entries if e.role == role
    )


def draw_group(model: Model, group: Group) -> Drawn:
    """The table and the boxes of one joint set of coefficients."""
    boxes: list[tuple[Box | Table, Domain]] = []
    homes: dict[str, str] = {}
    uses: dict[str, tuple[str, ...]] = {}
    for table, domain, names in _tables(model, group):
        boxes.append((table, domain))
        homes |= dict.fromkeys(names, table.key)
        uses[table.key] = tuple(
            used for name in names for _, expr in _inside(model, name) for used in values(expr)
        )
    for coefficient in group.coefficients:
        for box, domain, shown, used in _totals(model, coefficient):
            boxes.append((box, domain))
            homes |= dict.fromkeys(shown, box.key)
            uses[box.key] = used
    return Drawn(tuple(boxes), homes, uses, _joint(group, homes))


def _inside(model: Model, name: str) -> tuple[tuple[str, Expr], ...]:
    return expressions(model.by_name[name])


def _joint(group: Group, homes: dict[str, str]) -> tuple[Arrow, ...]:
    """A mark between the boxes of correlated coefficients, where there are few."""
    arrows = []
    for node in group.deviations:
        ends = [homes[share.deviation] for share in node.shares]
        if node.correlation is not None and 2 <= len(ends) <= 3:
            arrows += [Arrow(a, b, joint=True) for a, b in pairwise(ends)]
    return tuple(arrows)


# ---------------------------------------------------------------- the table


@dataclass(frozen=True)
class _Entry:
    level: str  # "": that of a crossed mean, which belongs to no level more than to another
    role: str
    column: int | None  # None: it spans all
    name: str
    domain: Domain


def _tables(model: Model, group: Group) -> Iterator[tuple[Table, Domain, tuple[str, ...]]]:
    """A table per level, for it stands beside that level's coefficients.

    Should a level's population parameters vary themselves, there is one for each domain.
    """
    entries = [e for e in _entries(model, group) if e.name in model.by_name]
    names = [titled(model, c.scale_name, c.axes) for c in group.coefficients]
    for level, domain in dict.fromkeys((e.level, e.domain) for e in entries):
        mine = [e for e in entries if (e.level, e.domain) == (level, domain)]
        filled = {e.column for e in mine} - {None}
        shown = [i for i in range(len(names)) if i in filled or not filled]
        rows = tuple(_row(model, mine, role, shown) for role in dict.fromkeys(_roles(mine)))
        title = f"across {level_title(model, level)}" if level else "overall"
        key = f"{group.key} {title}" + (f" by {plate_key(domain)}" if domain else "")
        table = Table(key, title, tuple(names[i] for i in shown), rows, plate_key(domain))
        yield table, domain, tuple(dict.fromkeys(e.name for e in mine))


def _roles(entries: list[_Entry]) -> Iterator[str]:
    """Means first, then slopes, sds, correlations: as one reads a population."""
    for word in ("mean", "slope", "sd", "cor"):
        yield from (e.role for e in entries if e.role.split(" ")[0] == word)


def _entries(model: Model, group: Group) -> Iterator[_Entry]:
    def entry(level: str, role: str, column: int | None, name: str) -> _Entry:
        node = model.by_name.get(name)
        domain = () if node is None else framed(model, node.domain)
        return _Entry(level, role, column, name, domain)

    for column, coefficient in enumerate(group.coefficients):
        if coefficient.mean is not None:
            first = "" if coefficient.crossed else coefficient.parts[0].level
            yield entry(first, "mean", column, coefficient.mean)
        for part in coefficient.parts:
            for slope, predictor in part.slopes:
                yield entry(part.level, f"slope {text_of(predictor)}", column, slope)
            yield entry(part.level, "sd", column, part.sd)
    for node in group.deviations:
        if node.correlation is not None:
            yield entry(node.level, "cor", None, node.correlation)


def _row(model: Model, entries: list[_Entry], role: str, columns: list[int]) -> Row:
    mine = [e for e in entries if e.role == role]
    if mine[0].column is None:
        return Row(role, (_cell(model, mine[0].name),), spans=True)
    named = {e.column: e.name for e in mine}
    cells = (_cell(model, named[i]) if i in named else None for i in columns)
    return Row(role, tuple(cells))


def _cell(model: Model, name: str) -> Line:
    node = model.by_name[name]
    match node:
        case Parameter(distribution=distribution, transform=None):
            return prior_line(text_of_distribution(distribution), node.rule is not None, _CELL)
        case Parameter(distribution=distribution):
            left = text_of_target(name, node.transform)
            return Line(f"{left} ~ {text_of_distribution(distribution)}")
        case Correlation(concentration=concentration):
            text = f"lkj({text_of(concentration)})"
            return prior_line(text, node.rule is not None, _CELL)
        case Definition(expr=expr):
            return Line(f"= {text_of(expr)}")
        case _:
            return Line(name)


def prior_line(text: str, default: bool, width: int) -> Line:
    """A prior; a default that would not fit keeps its family alone: the text view has it all."""
    if default and len(text) > width:
        text = text.partition("(")[0] + "(…)"
    return Line(text, Tone.DEFAULT if default else Tone.PLAIN)


# ---------------------------------------------------------------- the coefficients


_Total = tuple[Box, Domain, tuple[str, ...], tuple[str, ...]]


def _totals(model: Model, coefficient: Coefficient) -> Iterator[_Total]:
    """Boxes of a coefficient: box, domain, the quantities it shows, those it uses."""
    if coefficient.crossed:
        yield from _crossed(model, coefficient)
        return
    before = coefficient.mean
    for part in coefficient.parts:
        last = part is coefficient.parts[-1]
        inner = f"{coefficient.scale_name}[{part.level}]"
        title = coefficient.name if last else inner
        domain = (part.level, *coefficient.axes)
        shown = (part.deviation, inner, *((title, coefficient.scale_name) if last else ()))
        start = None if before is None else ("mean" if before == coefficient.mean else before)
        text = f"normal({_centre(model, start, part)}, sd)"
        if last and coefficient.transform is not None:
            text = f"{coefficient.scale_name} ~ {text}"
        used = (*([before] if before else []), *_part_uses(model, part))
        yield _box(title, Kind.LATENT, text, domain), domain, shown, used
        before = inner


def _centre(model: Model, start: str | None, part: Part) -> str:
    terms = [start] if start is not None else []
    terms += [_slope_term(model, predictor) for _, predictor in part.slopes]
    return " + ".join(terms) or "0"


def _slope_term(model: Model, predictor: Expr) -> str:
    return text_of(slope_term_of(model, "slope", predictor))


def _part_uses(model: Model, part: Part) -> tuple[str, ...]:
    node = model.by_name[part.deviation]
    correlation = node.correlation if isinstance(node, Deviations) else None
    slopes = [name for slope, w in part.slopes for name in (slope, *values(w))]
    return (*slopes, part.sd, *([correlation] if correlation is not None else []))


def _crossed(model: Model, coefficient: Coefficient) -> Iterator[_Total]:
    """A crossed coefficient is a sum of parts: each part its own box, the sum where they meet."""
    terms = ["mean"] if coefficient.mean is not None else []
    slopes: list[str] = []
    for part in coefficient.parts:
        domain = (part.level, *coefficient.axes)
        box = _box(part.deviation, Kind.LATENT, "normal(0, sd)", domain)
        used = _part_uses(model, part)
        terms += [_slope_term(model, w) for _, w in part.slopes] + [part.deviation]
        slopes += [name for slope, w in part.slopes for name in (slope, *values(w))]
        yield box, domain, (part.deviation,), tuple(u for u in used if u not in slopes)
    text = "= " + " + ".join(terms)
    if coefficient.transform is not None:
        text = f"{coefficient.scale_name} {text}"
    means = [coefficient.mean] if coefficient.mean is not None else []
    used = (*means, *slopes, *(p.deviation for p in coefficient.parts))
    box = _box(coefficient.name, Kind.DEFINITION, text, coefficient.domain)
    shown = (coefficient.name, coefficient.scale_name)
    yield box, coefficient.domain, shown, used


def _box(title: str, kind: Kind, text: str, domain: Domain) -> Box:
    lines = tuple(Line(line) for line in wrap(text, _LABEL))
    return Box(title, kind, title, lines, plate_key(domain))
