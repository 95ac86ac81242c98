"""Derived data and the numbers learned from data: whether they can be computed at all."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from hdsl.check.spelling import nearest
from hdsl.data.cells import group_column
from hdsl.data.column import Column, Mask
from hdsl.data.dataset import Dataset, counted_places
from hdsl.data.evaluate import NotDataError
from hdsl.data.problem import finding, listing, number, quoted
from hdsl.diagnostics.diagnostic import Diagnostic
from hdsl.expr import Apply, Expr, Label, Member, Summary, Value, names, walk
from hdsl.ir.model import Data, DataType, Model, Node, Parameter
from hdsl.ir.text import text_of
from hdsl.ir.uses import expressions
from hdsl.source import NOWHERE, Span


def derive(dataset: Dataset, report: list[Diagnostic]) -> Dataset:
    """The data set with every derived column that can be computed."""
    for node in dataset.model.nodes:
        if not isinstance(node, Data) or node.expr is None:
            continue
        try:
            column = _derived(dataset, node, node.expr, report)
        except NotDataError:
            continue  # something it is made of is not there, which is reported
        broken = ~column.missing & ~np.isfinite(column.numbers)
        if broken.any():
            report.append(_broken(dataset, node, column, broken))
        columns: Mapping[str, Column] = {**dataset.columns, node.name: column}
        dataset = replace(dataset, columns=columns)
    return dataset


def _derived(dataset: Dataset, data: Data, expr: Expr, report: list[Diagnostic]) -> Column:
    evaluator = dataset.evaluator
    natural = evaluator.domain_of(expr)
    if natural in ((), data.domain) or evaluator.finest([*natural, *data.domain]) == data.domain:
        return evaluator.at(expr, data.domain)
    column, complaint = group_column(dataset, data, evaluator.at(expr, ("row",)))
    if complaint is not None:
        report.append(complaint)
    return column


def _broken(dataset: Dataset, data: Data, column: Column, broken: Mask) -> Diagnostic:
    """What cannot be computed, shown with the values that it was to be computed from."""
    assert data.expr is not None
    culprit = _culprit(dataset, data.expr, column, broken) or data.expr
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
        values = dataset.evaluator.at(expr, column.domain).numbers[broken]
    except (NotDataError, ValueError):
        return None
    return expr if not np.isfinite(values).all() else None


def _inputs(dataset: Dataset, used: list[str], column: Column, position: int) -> str:
    texts = []
    for name in used:
        gathered = dataset.evaluator.gathered(dataset.columns[name], column.domain)
        if gathered.values.dtype != object:
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
        near = nearest(label, known)
        yield finding(
            "H934",
            f"no row has {quoted(label)} as `{name}`",
            span,
            "this label does not occur",
            notes=[f"its labels are {listing(map(quoted, known))}"],
            help=f"did you mean {quoted(near)}?" if near else None,
        )


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
        known = evaluator.at(argument, domain or evaluator.domain_of(argument)).known
    except NotDataError:
        return
    known = known[np.isfinite(known)]
    if not len(known) or (len(known) > 1 and known.std() > 1e-12 * abs(known).max()):
        return
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
