"""Which column of the data carries an outcome, and the way back from the outcome to it.

An outcome may be derived (`data log_q = log(q)`, `where(open == 1, sales, missing)`): what is
simulated is then written into the column that it is made of, on that column's own scale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from hdsl.data.problem import finding
from hdsl.data.table import Numbers
from hdsl.diagnostics.diagnostic import Diagnostic, ModelError
from hdsl.expr import Apply, Constant, Expr, Value, names, substitute, walk
from hdsl.families.family import Role
from hdsl.families.links import LINKS
from hdsl.families.wrapper import WRAPPERS
from hdsl.fit.inverse import invert
from hdsl.ir.model import Data, Distribution, Model, Outcome, Parameter, Transform
from hdsl.ir.text import text_of
from hdsl.ir.uses import expressions, learned_from, values

type Known = Callable[[Expr], Numbers]
"""The values of an expression of data, where the outcome lives."""

type Step = Callable[[Numbers, Known], Numbers]

_INVERSES: Mapping[str, Callable[[Numbers], Numbers]] = {
    "log1p": np.expm1,
    "expm1": np.log1p,
    "expit": lambda p: np.log(p) - np.log1p(-p),
}
"""Functions that are no links and have an inverse all the same."""


@dataclass(frozen=True)
class Carrier:
    """The column ``data`` of an outcome; ``steps`` lead from the outcome's values to the column's.

    ``made_of`` are the columns and derived data that stand for the outcome in the model.
    """

    outcome: str
    data: Data
    steps: tuple[Step, ...]
    made_of: frozenset[str]

    def column(self, outcome: Numbers, known: Known) -> Numbers:
        """The column's values from those of the outcome."""
        for step in self.steps:
            outcome = step(outcome, known)
        return outcome


def carriers(model: Model) -> tuple[Carrier, ...]:
    """The carrier of each outcome that a distribution draws; imputed predictors have none.

    Raises ModelError where an outcome cannot be led back to a column of its own.
    """
    found: list[Carrier] = []
    for outcome in simulated_outcomes(model):
        if _by_event(outcome.distribution):
            reason = "whether a value was seen (`event`) does not say where it was cut off"
            advice = "write where: `censored(…, upper = end)`"
            raise _refused(model, outcome, reason, advice)
        carrier = _carrier(model, outcome)
        if any(carrier.data.name == other.data.name for other in found):
            raise _refused(model, outcome, f"`{carrier.data.name}` carries another outcome too")
        found.append(carrier)
    for carrier in found:
        _only_an_outcome(model, carrier)
    return tuple(found)


def simulated_outcomes(model: Model) -> tuple[Outcome, ...]:
    """The outcomes that are simulated: not those that stand in for a predictor's missing values."""
    return tuple(o for o in model.outcomes if not _imputed(model, o.name))


def _imputed(model: Model, name: str) -> bool:
    node = model.by_name.get(name)
    return isinstance(node, Data) and node.impute


def _carrier(model: Model, outcome: Outcome) -> Carrier:
    node = model.by_name[outcome.name]
    assert isinstance(node, Data)
    if node.expr is None:
        return Carrier(outcome.name, node, (), frozenset({node.name}))
    expr, chain = _of_columns(model, Value(node.name), frozenset())
    candidates = [
        (column, steps) for column in names(expr) if (steps := _way_back(expr, column)) is not None
    ]
    free = [c for c in candidates if not _users(model, c[0]) - chain] or candidates
    if not free:
        reason = f"`{text_of(node.expr)}` does not say what its columns were"
        raise _refused(model, outcome, reason)
    column, steps = free[0]
    data = model.by_name[column]
    assert isinstance(data, Data)
    through = {n for n in chain if column in names(_of_columns(model, Value(n), frozenset())[0])}
    return Carrier(outcome.name, data, steps, frozenset({column, *through}))


def _of_columns(model: Model, expr: Expr, chain: frozenset[str]) -> tuple[Expr, frozenset[str]]:
    """An expression in terms of columns that are read, and the derived data that it went through"""
    for name in names(expr):
        node = model.by_name.get(name)
        if isinstance(node, Data) and node.expr is not None and name not in chain:
            inner, chain = _of_columns(model, node.expr, chain | {name})
            expr = substitute(expr, {name: inner})
    return expr, chain


def _way_back(expr: Expr, column: str) -> tuple[Step, ...] | None:
    """The steps that undo an expression of a column, the outermost first; None: it has no way."""
    match expr:
        case Value(name=name) if name == column:
            return ()
        case Apply(function=function, arguments=arguments):
            places = [i for i, a in enumerate(arguments) if column in names(a)]
            if len(places) != 1:
                return None
            step = _step(function, arguments, places[0])
            rest = _way_back(arguments[places[0]], column)
            return None if step is None or rest is None else (step, *rest)
        case _:
            return None


def _step(function: str, arguments: tuple[Expr, ...], place: int) -> Step | None:
    """What undoes one call whose argument at ``place`` is wanted."""
    match function, arguments:
        case "where", _ if place > 0:
            return lambda y, known: y
        case (("standardize" | "center"), (argument,)):
            return _unscaled(function, argument)
        case "-", (_,):
            return lambda y, known: -y
        case "^", (_, Constant(value=power)) if place == 0 and power != 0:
            return lambda y, known: np.asarray(np.power(y, 1 / power))
        case (("+" | "-" | "*" | "/"), (left, right)):
            return _solved(function, right if place == 0 else left, place)
        case _ if function in LINKS and len(arguments) == 1:
            return lambda y, known: invert(Transform(function), y)
        case _ if function in _INVERSES:
            return lambda y, known: _INVERSES[function](y)
        case _:
            return None


def _solved(operator: str, other: Expr, place: int) -> Step:
    match operator, place:
        case "+", _:
            return lambda y, known: y - known(other)
        case "-", 0:
            return lambda y, known: y + known(other)
        case "-", _:
            return lambda y, known: known(other) - y
        case "*", _:
            return lambda y, known: y / known(other)
        case "/", 0:
            return lambda y, known: y * known(other)
        case _:
            return lambda y, known: known(other) / y


def _unscaled(function: str, argument: Expr) -> Step:
    def step(y: Numbers, known: Known) -> Numbers:
        values = known(argument)
        scale = np.nanstd(values, ddof=1) if function == "standardize" else 1.0
        return np.asarray(y * scale + np.nanmean(values))

    return step


def _users(model: Model, name: str) -> frozenset[str]:
    """The nodes that use a quantity's values; an outcome goes by the name of its data."""
    return frozenset(
        node.name for node in model.nodes for _, expr in expressions(node) if name in values(expr)
    )


def feeds(model: Model, outcome: Outcome) -> bool:
    """Whether an outcome is also a predictor of another, as it stands: that one is drawn after."""
    return bool(_users(model, outcome.name) - {outcome.name})


def _only_an_outcome(model: Model, carrier: Carrier) -> None:
    """Raises where data are computed from the outcome, which simulated rows would not fit."""
    outcome = next(o for o in model.outcomes if o.name == carrier.outcome)
    users = {user for name in carrier.made_of for user in _users(model, name)} - carrier.made_of
    as_it_stands = not carrier.steps and outcome.transform is None
    for user in sorted(users):
        node = model.by_name.get(user)
        computed = isinstance(node, Data) and node.expr is not None
        if computed or not as_it_stands:
            text = text_of(node.expr) if isinstance(node, Data) and node.expr else user
            raise _refused(model, outcome, f"`{text}` is computed from it")


def _by_event(distribution: Distribution) -> bool:
    """Whether what is known of a value goes by a column that only an experiment could fill."""
    wrapper = WRAPPERS.get(distribution.family)
    given = {name for name, _ in distribution.arguments}
    roles = () if wrapper is None else wrapper.parameters
    return any(p.role is Role.EVENT and p.name in given for p in roles) or any(
        map(_by_event, distribution.inner)
    )


_OWN_COLUMN = "declare the outcome as a column of its own, which nothing else is made of"


def _refused(model: Model, outcome: Outcome, reason: str, advice: str = _OWN_COLUMN) -> ModelError:
    return ModelError(
        (
            finding(
                "H553",
                f"`{outcome.name}` cannot be simulated: {reason}",
                outcome.span,
                help=advice,
            ),
        ),
        model.source,
    )


def learns_from(model: Model, columns: Mapping[str, str]) -> Iterator[Diagnostic]:
    """Where the model learns a number from data that are not there, such as a default prior from
    the outcome; ``columns`` are their columns by name.
    """
    for node in model.nodes:
        learned = {n for _, expr in expressions(node) for n in learned_from(expr)}
        if isinstance(node, Data) and node.expr is not None and _standardizes(node.expr):
            learned |= set(names(node.expr))
        name = next((n for n in columns if n in learned), None)
        if name is None:
            continue
        said, advice = f"`{node.name}` needs a number that is learned from `{name}`", None
        if isinstance(node, Parameter) and node.rule is not None:
            prior = "halfnormal(1)" if node.support.lower == 0 else "normal(0, 1)"
            said = f"the default prior of `{node.name}` is scaled by `{name}`"
            advice = f"write the prior, such as `{node.name} ~ {prior}`, or give the column"
        lacking = f"{said}, and the data have no values of `{columns[name]}`"
        yield finding("H552", lacking, node.span, help=advice)


def _standardizes(expr: Expr) -> bool:
    return any(isinstance(e, Apply) and e.function in ("standardize", "center") for e in walk(expr))
