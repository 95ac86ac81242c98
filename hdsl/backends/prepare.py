"""The generated `prepare`: columns and tables to the arrays that the model reads.

Written in NumPy, for both backends alike. Every input of the model is made by a statement of its
own, after those that it needs; helpers (``helpers``) are defined only where they are called.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import assert_never

from hdsl.backends.expressions import write
from hdsl.backends.impute import imputed_axes
from hdsl.backends.inputs import (
    Chosen,
    Column,
    Computed,
    Count,
    GroupMean,
    Index,
    Input,
    Learned,
    Observed,
    Seen,
    Waves,
    name_input,
)
from hdsl.backends.namer import Namer, quoted
from hdsl.backends.prepare_blocks import has_pattern
from hdsl.backends.prepare_inputs import GROUPED, READERS, make_input
from hdsl.backends.program import Line, Term, Variable
from hdsl.backends.quotation import Quotation
from hdsl.backends.terms import Terms, unfold
from hdsl.check.domains import outside
from hdsl.expr import ROW, Domain, Expr, Value, walk
from hdsl.families.functions import Library
from hdsl.ir.model import Data, Level, LevelKind, Model
from hdsl.ir.uses import outcome_data


@dataclass
class Preparing:
    """One run: the lines so far, what is made already, and the helpers that they call."""

    model: Model
    names: Namer
    quotation: Quotation
    seen: frozenset[str]  # outcomes that may be missing
    lines: list[Line] = field(default_factory=list)
    made: dict[Input | str, str] = field(default_factory=dict)
    helpers: list[str] = field(default_factory=list)

    @cached_property
    def may_miss(self) -> frozenset[str]:
        """The columns that may have empty cells."""
        imputed = {node.name for node in self.model.nodes if isinstance(node, Data) and node.impute}
        return outcome_data(self.model) | imputed

    def say(self, source: str) -> None:
        """Add a statement."""
        self.lines.append(Line(source))

    def comment(self, node: Level | Data) -> None:
        """Quote the statement of a level or of data."""
        comment = self.quotation.of(node.span)
        if comment is not None:
            self.lines.append(Line(comment.text, comment.line, "comment"))

    def call(self, helper: str, *arguments: str) -> str:
        """The call of a helper, which the file then defines."""
        if helper not in self.helpers:
            self.helpers.append(helper)
        return f"{helper}({', '.join(arguments)})"

    def have(self, item: Input) -> str:
        """The variable of an input, made now if it is not there yet."""
        if isinstance(item, GroupMean):
            alike = (n for n in self.model.nodes if isinstance(n, Data) and n.expr == item.of)
            item = next((Column(node.name) for node in alike), item)
        if item not in self.made:
            self.made[item] = name_input(self.names, item, self.model)
            make_input(item, self)
        return self.made[item]

    def terms(self) -> Terms:
        """Makes terms of data."""
        return Terms(self.model, self._quantity, self.have, _size, compares_labels=True)

    def write(self, expr: Expr, domain: Domain) -> str:
        """An expression of data at a domain, as NumPy."""
        term = self.terms()(unfold(expr, self.model), domain)
        return write(term, Library.NUMPY)

    def _quantity(self, name: str, use: Domain) -> tuple[Term, Domain]:
        node = self.model.by_name[name]
        assert isinstance(node, Data), f"{name} is no data"
        variable = self.have(Column(name))
        if outside(self.model.levels, node.domain, use):
            return Variable(self._one_per_group(variable, node, use)), use
        return Variable(variable), node.domain

    def _one_per_group(self, variable: str, node: Data, use: Domain) -> str:
        """Data of the rows read at a level: constant inside each group."""
        (level,) = use
        key = f"{node.name} per {level}"
        if key not in self.made:
            self.made[key] = self.names(key, key)
            group = self.have(Index(level, *node.domain))
            value = self.call(
                "per_group", quoted(node.name), variable, group, f"len(coords[{quoted(level)}])"
            )
            self.say(f"{self.made[key]} = {value}")
        return self.made[key]


def lower_prepare(
    model: Model,
    names: Namer,
    quotation: Quotation,
    seen: frozenset[str],
    inputs: Iterable[Input],
    twins: Iterable[str],
) -> tuple[tuple[Line, ...], tuple[str, ...]]:
    """The lines of `prepare` for these inputs, and the helpers that they call."""
    run = Preparing(model, names, quotation, seen)
    inputs = tuple(inputs)
    _start(run)
    levels = [level for level in model.levels.values() if level.kind in GROUPED]
    for level in levels:
        run.comment(level)
        _groups(level, run)
    _axis_coords(run, twins)
    for kinds in (Index, Observed | Seen):
        for item in inputs:
            if isinstance(item, kinds):
                run.have(item)
        for data in _needed(model, inputs):
            run.have(Column(data.name))
    _learned_numbers(run, inputs)
    for item in inputs:
        run.have(item)
    kept = dict.fromkeys((*(Index(level.name, ROW) for level in levels), *inputs))
    _finish(run, tuple(run.have(item) for item in kept))
    if any("is_training" in line.source for line in run.lines):
        run.lines.insert(0, Line("is_training = learned is None"))
    return tuple(run.lines), tuple(run.helpers)


def _axis_coords(run: Preparing, twins: Iterable[str]) -> None:
    """The coords of the axes that are no levels of the data, and those of correlation matrices."""
    for level in run.model.levels.values():
        if level.of is not None and not level.members:
            _label_coords(level, run)
    for axis, data in imputed_axes(run.model).items():
        where = run.have(Index(data.domain[0], axis))
        labels = f"np.array(coords[{quoted(data.domain[0])}])[{where}]"
        run.say(f"coords[{quoted(axis)}] = {labels}")
    for twin in dict.fromkeys(twins):
        if run.model.levels[twin].kind is LevelKind.BLOCK:
            run.have(Column(twin))  # which names its columns
        run.say(f"coords[{quoted(f'{twin}_2')}] = coords[{quoted(twin)}]")


def _size(level: str) -> str:
    return f"len(coords[{quoted(level)}])"


def _needed(model: Model, inputs: tuple[Input, ...]) -> list[Data]:
    """The data that the inputs need, in the model's order."""
    pending: list[str] = []
    for item in inputs:
        match item:
            case Column(name=name) | Observed(name=name) | Seen(name=name):
                pending.append(name)
            case GroupMean(of=mean):
                pending += values_below(mean)
            case Learned(summary=summary):
                pending += values_below(summary)
            case Computed(expr=expr) | Waves(argument=expr):
                pending += values_below(expr)
            case Index() | Chosen() | Count():
                pass
            case _:
                assert_never(item)
    found: set[str] = set()
    while pending:
        node = model.by_name[pending.pop()]
        if isinstance(node, Data) and node.name not in found:
            found.add(node.name)
            pending += values_below(node.expr) if node.expr is not None else ()
    return [node for node in model.nodes if isinstance(node, Data) and node.name in found]


def values_below(expr: Expr) -> list[str]:
    """The data that an expression uses, also inside what it learns from them."""
    return [e.name for e in walk(expr) if isinstance(e, Value)]


# ---------------------------------------------------------------- start and end


def _start(run: Preparing) -> None:
    run.say("tables, learned = tables or {}, dict(learned or {})")
    columns = _columns(run.model)
    dropped = [d for d in run.model.nodes if isinstance(d, Data) and d.drop and d.expr is None]
    if dropped:
        for data in dropped:
            if data.lag is None:
                run.comment(data)
        _lags(run)
        names = ", ".join(quoted(name) for name in columns)
        needed = ", ".join(quoted(d.column or d.name) for d in dropped)
        kept = "list(rows)" if has_pattern(run.model) else f"[{names}]"
        run.say(f"row, rows = {run.call('kept_rows', 'rows', kept, f'[{needed}]')}")
    else:
        first = run.call("column", "rows", quoted(_first_column(run.model, columns)))
        run.say(f"row = np.arange(1, len({first}) + 1)")
    run.say('coords = {**COORDS, "row": row}')


def _lags(run: Preparing) -> None:
    """The columns of earlier values, made before any row is left out."""
    lags = [node for node in run.model.nodes if isinstance(node, Data) and node.lag is not None]
    if lags:
        run.lines.append(Line("", kind="blank"))
        run.lines.append(Line("Earlier values; rows without one are left out", kind="comment"))
    for node in lags:
        assert node.lag is not None
        lag, source, levels = node.lag, run.model.by_name[node.lag.of], run.model.levels
        assert isinstance(source, Data)
        reader = READERS.get(source.type, "numbers")
        run.call(reader)
        columns = [quoted(levels[name].column or name) for name in (lag.along, *lag.within)]
        arguments = (
            "rows",
            quoted(node.name),
            quoted(source.column or source.name),
            reader,
            columns[0],
            f"[{', '.join(columns[1:])}]",
            str(lag.steps),
            "learned",
        )
        run.say(f"rows = {run.call('with_lag', *arguments)}")


def _columns(model: Model) -> tuple[str, ...]:
    """Every column that the rows may have to supply."""
    found = [
        level.column or level.name
        for level in model.levels.values()
        if level.kind is LevelKind.COLUMN
    ]
    found += [
        node.column or node.name
        for node in model.nodes
        if isinstance(node, Data) and node.expr is None
    ]
    return tuple(dict.fromkeys(found))


def _first_column(model: Model, columns: tuple[str, ...]) -> str:
    """A column that the rows surely have: not an outcome's, if there is another."""
    raw = [node for node in model.nodes if isinstance(node, Data) and node.expr is None]
    own = [node for node in raw if node.domain == (ROW,)]
    plain = [node.column or node.name for node in own if not node.observed]
    finest = [
        level.column or level.name
        for level in reversed(tuple(model.levels.values()))
        if level.kind is LevelKind.COLUMN
    ]
    return next(iter((*plain, *finest, *(node.column or node.name for node in own), *columns)))


def _learned_numbers(run: Preparing, inputs: tuple[Input, ...]) -> None:
    """What the model takes from the training data as a whole: a block of its own."""
    found = [item for item in inputs if isinstance(item, Learned) and item not in run.made]
    if found:
        run.lines.append(Line("", kind="blank"))
        run.lines.append(Line("Numbers that the training data teach", kind="comment"))
        for item in found:
            run.have(item)


def _finish(run: Preparing, names: tuple[str, ...]) -> None:
    pairs = [(i, Seen(i.name)) for i in run.made if isinstance(i, Observed)]
    seen = {run.made[i]: run.made[known] for i, known in pairs if known in run.made}
    entries = [
        f"{quoted(name)}: {name}" + (f"[{seen[name]}]" if name in seen else "")
        for name in dict.fromkeys(names)
    ]
    entries += ['"coords": coords', '"learned": learned']
    run.lines.append(Line("", kind="blank"))
    run.say("return {" + "\n".join(entries) + ",}")


# ---------------------------------------------------------------- levels


def _groups(level: Level, run: Preparing) -> None:
    """The coords of a level and the group of every row."""
    index = run.have(Index(level.name, ROW))
    name = quoted(level.name)
    if level.kind is LevelKind.CROSS:
        text = run.call("crossed", *(_labels_of_rows(parent, run) for parent in level.parents))
    else:
        text = _label_column(level, run)
        parents = [p for p in level.parents if run.model.levels[p].kind in GROUPED]
        if parents:
            above = [_labels_of_rows(parent, run) for parent in parents]
            text = run.call("nested", name, text, "learned", *above)
    if level.ordered:
        text = run.call("in_order", name, text, "learned")
    run.say(f"coords[{name}], {index} = {run.call('groups', name, text, 'learned')}")


def _label_coords(level: Level, run: Preparing) -> None:
    """The coords of an outcome's labels, or of what lies between them, as the data have them."""
    assert level.of is not None
    run.have(Observed(level.of))
    labels = f"learned[{quoted(f'categories of {level.of}')}]"
    found = run.call("between", labels) if level.kind is LevelKind.CUT else f"{labels}[1:]"
    run.say(f"coords[{quoted(level.name)}] = {found}")


def _labels_of_rows(level: str, run: Preparing) -> str:
    return f"np.array(coords[{quoted(level)}])[{run.have(Index(level, ROW))}]"


def _label_column(level: Level, run: Preparing) -> str:
    """The labels of a level at the rows, from a table of a level inside where the rows lack it."""
    column = quoted(level.column or level.name)
    inside = [
        other
        for other in run.model.levels.values()
        if other.kind is LevelKind.COLUMN and level.name in run.model.ancestors(other.name)
    ]
    if not inside:
        return run.call("labels", "rows", column)
    keys = [f"({quoted(o.name)}, {quoted(o.column or o.name)})" for o in inside]
    return run.call("looked_up", "rows", column, "tables", *keys)
