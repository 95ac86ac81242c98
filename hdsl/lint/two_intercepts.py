"""H604: two free intercepts in one sum, which only their priors tell apart."""

from collections.abc import Iterator

from hdsl.check.spelling import quoted
from hdsl.diagnostics.diagnostic import Diagnostic, Label
from hdsl.expr import Value
from hdsl.families import Role
from hdsl.ir.model import Data, Model, Outcome, Parameter
from hdsl.ir.uses import expressions, values
from hdsl.ir.wrapped import heart, leaves
from hdsl.lint.reading import located, warning


def check(model: Model) -> Iterator[Diagnostic]:
    """A warning for each outcome to whose location several free constants are added."""
    added = [(parameter, _outcomes_of(model, parameter)) for parameter in _free(model)]
    for outcome, place in _places(model):
        cut = _cut_points(model, outcome)
        found = [*cut, *(parameter for parameter, places in added if place in places)]
        if len(found) < 2:
            continue
        first, second, *_ = found
        yield warning(
            "H604",
            f"{quoted(p.name for p in found)} are added up, and each is an intercept of "
            f"`{outcome.name}`",
            second.span,
            f"adds a constant to `{outcome.name}`",
            notes=("only their sum shows in the data: one may grow while another falls",),
            help=_help(second, bool(cut)),
            others=(Label(first.span, "and so does this"),),
        )


type Place = tuple[str, int]
"""An outcome and where its distribution stands, or one inside: a mixture has several."""


def _places(model: Model) -> Iterator[tuple[Outcome, Place]]:
    for outcome in model.outcomes:
        for leaf in leaves(outcome.distribution):
            yield outcome, (outcome.name, leaf.span.start)


def _free(model: Model) -> Iterator[Parameter]:
    """The parameters that nothing pulls towards a known value."""
    for node in model.nodes:
        if not isinstance(node, Parameter) or node.pinned or node.transform is not None:
            continue
        if any(not _is_data(model, name) for _, e in expressions(node) for name in values(e)):
            continue  # its prior is learned: it is a group's deviation by another name
        unpooled = node.rule is not None or heart(node.distribution).improper
        if not node.domain or unpooled:
            yield node


def _cut_points(model: Model, outcome: Outcome) -> list[Parameter]:
    """The cut points of an ordered outcome: they stand where an intercept would."""
    family = heart(outcome.distribution)
    roles = {p.name: p.role for p in family.parameters}
    named = [
        model.by_name.get(expr.name)
        for name, expr in outcome.distribution.arguments
        if roles.get(name) is Role.CUTS and isinstance(expr, Value)
    ]
    return [node for node in named if isinstance(node, Parameter)]


def _is_data(model: Model, name: str) -> bool:
    return isinstance(model.by_name.get(name), Data)


def _outcomes_of(model: Model, parameter: Parameter) -> frozenset[Place]:
    """The distributions to whose location a parameter is added, multiplied with nothing."""
    found = located(model, parameter.name)
    plain = (use for use in found if use.multiplier is None)
    return frozenset((use.user.name, use.distribution.span.start) for use in plain)


def _help(parameter: Parameter, beside_cuts: bool) -> str:
    if beside_cuts and not parameter.name.startswith("mean("):
        return f"leave `{parameter.name}` out: the cut points stand for it"
    if parameter.name.startswith("mean("):
        return f"keep one mean: write `~ 0 + …` in this formula, or `{parameter.name} = 0`"
    if parameter.domain:
        level = parameter.domain[0]
        return f"set one member to 0 as the baseline, or pool: `{parameter.name} ~ 0 + {level}`"
    return f"leave `{parameter.name}` out, or the other"
