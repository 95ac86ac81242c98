"""What the rules ask of a model and its data: uses of coefficients, sizes of predictors."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hdsl.check.predictor import Predictors, Use, is_location
from hdsl.diagnostics.diagnostic import Diagnostic, Label
from hdsl.expr import Domain, Expr
from hdsl.families import Role
from hdsl.ir.model import Coefficient, Data, Model, Outcome, Parameter, Part
from hdsl.ir.text import text_of
from hdsl.ir.uses import values
from hdsl.ir.wrapped import every, parameter_of
from hdsl.source import NOWHERE, Span

if TYPE_CHECKING:
    from hdsl.data.bind import Binding
    from hdsl.data.column import Column


@dataclass(frozen=True)
class Spread:
    """Mean and sd of an expression of data over its domain."""

    mean: float
    sd: float


def warning(
    code: str,
    headline: str,
    span: Span,
    label: str,
    notes: tuple[str, ...] = (),
    help: str | None = None,
    others: tuple[Label, ...] = (),
) -> Diagnostic:
    """A piece of advice at a place of the model."""
    at = None if span == NOWHERE else Label(span, label)
    return Diagnostic(code, headline, at, others, notes, help)


def parts(model: Model) -> Iterator[tuple[Coefficient, Part]]:
    """Every coefficient with each level at which it has deviations."""
    for coefficient in model.coefficients:
        for part in coefficient.parts:
            yield coefficient, part


def located(model: Model, name: str) -> list[Use]:
    """The linear uses of a quantity in the locations of outcomes; none where it is not linear."""
    found = Predictors(model.outcomes, model.by_name.get).uses(name) or []
    return [use for use in found if is_location(use) and isinstance(use.user, Outcome)]


def spread(binding: "Binding", expr: Expr) -> Spread | None:
    """Mean and sd of an expression of data; None where it is not data or is no two numbers."""
    from hdsl.data.evaluate import NotDataError

    evaluator = binding.dataset.evaluator
    try:
        column = evaluator.at(expr, evaluator.domain_of(expr))
    except NotDataError:
        return None
    if column.values.ndim > 1:  # the columns of a block differ in size
        return None
    return _spread_of(column)


def spreads(binding: "Binding", expr: Expr) -> Iterator[tuple[str, Spread]]:
    """The same of every column of a block by its label; of anything else by its text."""
    from hdsl.data.blocks import columns_of
    from hdsl.data.evaluate import NotDataError

    evaluator = binding.dataset.evaluator
    try:
        column = evaluator.at(expr, evaluator.domain_of(expr))
    except NotDataError:
        return
    named = [(text_of(expr), column)]
    if column.values.ndim > 1:
        labels = binding.dataset.groups[column.domain[-1]].labels
        named = list(zip(labels, columns_of(column), strict=True))
    for label, one in named:
        found = _spread_of(one)
        if found is not None:
            yield label, found


def _spread_of(column: "Column") -> Spread | None:
    known = column.known
    return Spread(float(known.mean()), float(known.std(ddof=1))) if known.size > 1 else None


def data_domain(model: Model, expr: Expr) -> Domain:
    """The levels over which the data of an expression vary, each once."""
    nodes = [model.by_name.get(name) for name in values(expr)]
    levels = [level for node in nodes if isinstance(node, Data) for level in node.domain]
    return tuple(dict.fromkeys(levels))


def has_free_scale(model: Model, outcome: Outcome) -> bool:
    """Whether an outcome has a scale or shape of its own that is learned from the data."""
    return any(
        parameter_of(each, name)[0].role in (Role.SCALE, Role.SHAPE)
        and not all(isinstance(model.by_name.get(n), Data) for n in values(expr))
        for each in every(outcome.distribution)
        for name, expr in each.arguments
    )


def is_default(model: Model, name: str) -> bool:
    """Whether a quantity is a parameter with its default prior."""
    node = model.by_name.get(name)
    return isinstance(node, Parameter) and node.rule is not None
