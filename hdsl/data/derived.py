"""Derived data and the numbers learned from data: whether they can be computed at all."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from hdsl.check.domains import grouped
from hdsl.check.spelling import nearest
from hdsl.data.blocks import columns_of, stack
from hdsl.data.cells import group_column
from hdsl.data.column import Column, Mask
from hdsl.data.dataset import Dataset, counted_places
from hdsl.data.evaluate import NotDataError
from hdsl.data.labelled import labels_of
from hdsl.data.levels import Groups
from hdsl.data.problem import finding, listing, number, quoted
from hdsl.data.several import NoColumnsError
from hdsl.diagnostics.diagnostic import Diagnostic
from hdsl.expr import Apply, Block, Constant, Expr, Label, Member, Summary, Value, names, walk
from hdsl.ir.model import Data, DataType, Level, LevelKind, Model, Node, Parameter
from hdsl.ir.text import text_of
from hdsl.ir.uses import expressions
from hdsl.source import NOWHERE, Span


def derive(dataset: Dataset, report: list[Diagnostic]) -> Dataset:
    """The data set with every derived column that can be computed."""
    for node in dataset.model.nodes:
        if not isinstance(node, Data) or node.expr is None:
            continue
        try:
            if isinstance(node.expr, Block):
                dataset, column = _derived_block(dataset, node, node.expr)
            else:
                column = _derived(dataset, node, node.expr, report)
        except NoColumnsError as error:
            report.append(error.diagnostic)
            continue
        except NotDataError:
            continue  # something it is made of is not there, which is reported
        report += _not_finite(dataset, node, node.expr, column)
        columns: Mapping[str, Column] = {**dataset.columns, node.name: column}
        dataset = replace(dataset, columns=columns)
    return dataset


def _derived(dataset: Dataset, data: Data, expr: Expr, report: list[Diagnostic]) -> Column:
    evaluator = dataset.evaluator
    natural = evaluator.domain_of(expr)
    own = grouped(dataset.model.levels, data.domain)
    if natural in ((), own) or evaluator.finest([*natural, *own]) == own:
        return evaluator.at(expr, own)
    column, complaint = group_column(dataset, data, evaluator.at(expr, ("row",)))
    if complaint is not None:
        report.append(complaint)
    return column


def _derived_block(dataset: Dataset, data: Data, block: Block) -> tuple[Dataset, Column]:
    """The columns of a block, and the data set with the members of its axis."""
    labels, column = stack(dataset.evaluator, block, data.domain[:-1])
    twins = [label for label in dict.fromkeys(labels) if labels.count(label) > 1]
    if twins:
        raise NoColumnsError(
            finding(
                "H940",
                f"two columns of the block `{data.name}` are called {quoted(twins[0])}",
                data.span,
                "in these data",
                notes=[f"and two each {listing(map(quoted, twins[1:]))}"] if twins[1:] else [],
                help="give one a name of its own with `=`, or write a narrower pattern",
            )
        )
    none = np.full(len(dataset.kept), -1)
    axis = Groups(len(labels), labels, none, np.zeros(len(labels), int))
    return replace(dataset, groups={**dataset.groups, block.axis: axis}), column


def _not_finite(dataset: Dataset, data: Data, expr: Expr, column: Column) -> Iterator[Diagnostic]:
    """What comes to no finite number; of a block each column by itself."""
    broken = ~column.missing & ~np.isfinite(column.numbers)
    if not broken.any():
        return
    if broken.ndim == 1:
        yield _broken(dataset, data, expr, column, broken)
        return
    items = [item for _, item in expr.items] if isinstance(expr, Block) else []
    for i, each in enumerate(columns_of(column)):
        if broken[:, i].any():
            own = items[i] if len(items) == broken.shape[1] else expr
            yield _broken(dataset, data, own, each, broken[:, i])


def _broken(dataset: Dataset, data: Data, expr: Expr, column: Column, broken: Mask) -> Diagnostic:
    """What cannot be computed, shown with the values that it was to be computed from."""
    culprit = _culprit(dataset, expr, column, broken) or expr
    positions = np.flatnonzero(broken)
    where = counted_places(column.domain, len(positions))
    used = [n for n in names(culprit) if n in dataset.columns]
    values = [_inputs(dataset, used, column, int(i)) for i in positions[:5]]
    return finding(
        "H936",
        f"`{text_of(culprit)}` cannot be computed in {where}",
        culprit.span if culprit.span != NOWHERE else data.span,
        "not a finite number there",
        notes=[dataset.places(column.domain, positions, values)],
        help="leave these rows out, or choose what holds there with `where(…, …, …)`",
    )


def _culprit(dataset: Dataset, expr: Expr, column: Column, broken: Mask) -> Expr | None:
    """The innermost call whose result is not finite although its arguments are."""
    if not isinstance(expr, Apply):
        return None
    for argument in expr.arguments:
        inner = _culprit(dataset, argument, column, broken)
        if inner is not None:
            return inner
    try:
        values = dataset.evaluator.at(expr, column.domain).numbers
        if values.ndim > 1:
            return None
        values = values[broken]
    except (NotDataError, ValueError):
        return None
    return expr if not np.isfinite(values).all() else None


def _inputs(dataset: Dataset, used: list[str], column: Column, position: int) -> str:
    texts = []
    for name in used:
        gathered = dataset.evaluator.gathered(dataset.columns[name], column.domain)
        if gathered.values.dtype != object and gathered.values.ndim == 1:
            texts.append(f"{name} = {number(float(gathered.values[position]))}")
    return ", ".join(texts)


@dataclass(frozen=True)
class _Use:
    """An expression of a node, and where to point if it has no place of its own."""

    expr: Expr
    span: Span


def _uses(model: Model) -> Iterator[_Use]:
    for node in model.nodes:
        for _, expr in expressions(node):
            for part in walk(expr):
                yield _Use(part, part.span if part.span != NOWHERE else node.span)


def check_labels_used(dataset: Dataset) -> Iterator[Diagnostic]:
    """The labels that the model names and that no row has, each once."""
    seen: set[tuple[str, str]] = set()
    for name, label, span in _labels_used(dataset.model):
        known = _labels_of(dataset, name)
        if known is None or label in known or (name, label) in seen:
            continue
        seen.add((name, label))
        axis = dataset.model.levels.get(name)
        if axis is not None and axis.of is not None and label in _outcome_labels(dataset, axis):
            yield finding(
                "H934",
                f"{quoted(label)} is the baseline of `{axis.of}`",
                span,
                "nothing varies over it: its log odds are 0",
                help=f"pick another label: {listing(map(quoted, known))}",
            )
            continue
        near, is_block = nearest(label, known), _is_block(dataset.model, name)
        what = f"the block `{name}` has no column {quoted(label)}"
        yield finding(
            "H934",
            what if is_block else f"no row has {quoted(label)} as `{name}`",
            span,
            "this label does not occur",
            notes=[f"its {'columns' if is_block else 'labels'} are {listing(map(quoted, known))}"],
            help=f"did you mean {quoted(near)}?" if near else None,
        )


def _outcome_labels(dataset: Dataset, axis: Level) -> tuple[str, ...]:
    return (labels_of(dataset, axis) or ()) if axis.kind is LevelKind.CATEGORY else ()


def _is_block(model: Model, name: str) -> bool:
    return name in model.levels and model.levels[name].kind is LevelKind.BLOCK


def _labels_used(model: Model) -> Iterator[tuple[str, str, Span]]:
    for use in _uses(model):
        match use.expr:
            case Apply(arguments=(Value(name=name), Label(text=text) as label)):
                yield name, text, label.span if label.span != NOWHERE else use.span
            case Member(level=level, label=text):
                yield level, text, use.span
            case _:
                pass
    for node in model.nodes:
        if isinstance(node, Parameter):
            for labels, _ in node.pinned:
                for level, text in zip(node.domain, labels, strict=True):
                    yield level, text, node.span


def _labels_of(dataset: Dataset, name: str) -> list[str] | None:
    """The labels of a level or of a factor; None where neither is there."""
    column = dataset.columns.get(name)
    if column is not None and column.values.dtype == object:
        return list(dict.fromkeys(str(v) for v in column.values[~column.missing].tolist()))
    groups = dataset.groups.get(name)
    return list(groups.labels) if groups is not None else None


def check_free_members(dataset: Dataset) -> Iterator[Diagnostic]:
    """The parameters of a level of the data whose members are all set one by one."""
    for node in dataset.model.nodes:
        if not isinstance(node, Parameter) or not node.pinned or len(node.domain) != 1:
            continue
        level = node.domain[0]
        known = dataset.model.levels[level].members
        if not known and level in dataset.groups and dataset.groups[level].size == len(node.pinned):
            yield finding(
                "H943",
                f"every member of `{node.name}` is set by itself",
                node.span,
                f"`{level}` has {len(node.pinned)} groups in these data",
                help=f"leave one to the distribution of `{node.name}`: take away the statement "
                "about it",
            )


def check_constants(dataset: Dataset) -> Iterator[Diagnostic]:
    """The data that never vary where something is divided by their sd, each once."""
    seen: set[str] = set()
    for use in _uses(dataset.model):
        match use.expr:
            case Summary(function="sd", argument=argument, domain=domain):
                pass
            case Apply(function="standardize", arguments=(argument,)):
                domain = ()
            case _:
                continue
        written = text_of(argument)
        if written in seen:
            continue
        seen.add(written)
        yield from _constant(dataset, argument, domain, use.span)


def _constant(
    dataset: Dataset, argument: Expr, domain: tuple[str, ...], span: Span
) -> Iterator[Diagnostic]:
    evaluator = dataset.evaluator
    try:
        column = evaluator.at(argument, domain or evaluator.domain_of(argument))
    except NotDataError:
        return
    if column.values.ndim == 2:
        data = dataset.model.by_name.get(text_of(argument))
        yield from _constant_columns(dataset, argument, column, data.span if data else span)
        return
    if _varies(column):
        return
    known = column.known
    data = dataset.model.by_name.get(argument.name) if isinstance(argument, Value) else None
    said = f"it is {number(float(known[0]))} in {counted_places(domain, len(known))}"
    yield finding(
        "H935",
        f"`{text_of(argument)}` never varies, so that nothing can be scaled by its sd",
        data.span if data is not None else span,
        said,
        notes=[_wanted_by(dataset.model, argument)],
        help=_constant_help(data, argument),
    )


def _varies(column: Column) -> bool:
    """Whether a column has more than one value, as far as it is known (or nothing is)."""
    known = column.known
    known = known[np.isfinite(known)]
    return not len(known) or bool(len(known) > 1 and known.std() > 1e-12 * abs(known).max())


def _constant_columns(
    dataset: Dataset, argument: Expr, column: Column, span: Span
) -> Iterator[Diagnostic]:
    """The columns of a block that never vary, save the numbers that the model writes in it."""
    axis = column.domain[-1]
    labels = dataset.groups[axis].labels
    fixed = [
        label
        for label, one in zip(labels, columns_of(column), strict=True)
        if not _varies(one) and label not in _written_numbers(dataset.model, axis)
    ]
    if fixed:
        written = text_of(argument)
        many = len(fixed) > 1
        yield finding(
            "H935",
            f"{'columns' if many else 'column'} {listing(map(quoted, fixed))} of `{written}` "
            f"never {'vary' if many else 'varies'}, so that nothing can be scaled by "
            f"{'their sds' if many else 'its sd'}",
            span,
            notes=[_wanted_by(dataset.model, argument)],
            help=f"take {'them' if many else 'it'} out of the block; for an intercept write the "
            "number 1 in it: `[1, …]`",
        )


def _written_numbers(model: Model, axis: str) -> frozenset[str]:
    """The labels of the columns of a block that are constants."""
    node = model.by_name.get(axis)
    block = node.expr if isinstance(node, Data) else None
    items = block.items if isinstance(block, Block) else ()
    return frozenset(label for label, item in items if isinstance(item, Constant))


def _wanted_by(model: Model, argument: Expr) -> str:
    """Which default prior asks for an sd, as a note; empty where the model does so itself."""
    for node in model.nodes:
        if isinstance(node, Parameter) and node.rule is not None:
            for _, expr in expressions(node):
                if any(isinstance(e, Summary) and e.argument == argument for e in walk(expr)):
                    return f"the default prior of `{node.name}` is scaled by it"
    return ""


def _constant_help(data: Node | None, argument: Expr) -> str:
    if isinstance(data, Data) and data.observed:
        return "an outcome that never varies teaches nothing; is this the right column?"
    if isinstance(data, Data) and data.type is DataType.FACTOR:
        return "compare it with another label"
    return (
        "a predictor that never varies cannot be told from the intercept: leave it out, or give "
        "its coefficient a prior of your own"
    )
