"""Do the arguments of distributions lie where they must, as far as the model alone tells?"""

from collections.abc import Mapping

from hdsl.check.distributions import asked_support
from hdsl.check.parameters import Parameters
from hdsl.check.ranges import Ranges, misfit
from hdsl.check.wrapped import adds_up
from hdsl.expr import Constant, Expr, Value
from hdsl.families import Role, Support
from hdsl.families.family import POSITIVE
from hdsl.ir.model import Correlation, Definition, Distribution, Node, Outcome, Parameter
from hdsl.ir.text import text_of, text_of_support
from hdsl.ir.wrapped import every, parameter_of


def check_supports(
    parameters: Parameters, nodes: Mapping[str, Node], ordered: tuple[Node, ...]
) -> None:
    """Report every argument, and every sd or correlation that is set, that leaves its support."""
    ranges = Ranges(nodes.get)
    for node in ordered:
        match node:
            case Outcome() | Parameter(rule=None):
                _check_arguments(parameters, ranges, node, nodes)
            case Correlation(concentration=concentration):
                _check(parameters, ranges, concentration, POSITIVE, "`eta` of `lkj`", None)
            case Definition(name=name, expr=expr):
                implied = parameters.coefficients.implied.get(name)
                if implied is not None and implied.accessor in ("sd", "cor"):
                    _check(parameters, ranges, expr, parameters.wanted(name), f"`{name}`", None)
            case _:
                pass


def _check_arguments(
    parameters: Parameters,
    ranges: Ranges,
    node: Outcome | Parameter,
    nodes: Mapping[str, Node],
) -> None:
    for distribution in every(node.distribution):
        if distribution.family == "mixture" and not adds_up(distribution, nodes.get):
            _weights(parameters, distribution)
        else:
            _check_own(parameters, ranges, distribution)


def _weights(parameters: Parameters, distribution: Distribution) -> None:
    parameters.scope.report(
        "H322",
        "the weights of a mixture must add up to 1",
        distribution.arguments[0][1].span,
        "these do not",
        help="the last weight is what the others leave: `mixture([w, 1 - w], d1, d2)`",
    )


def _check_own(parameters: Parameters, ranges: Ranges, distribution: Distribution) -> None:
    """Check the arguments of a distribution, without those of what it wraps."""
    for name, expr in distribution.arguments:
        if isinstance(expr, Value) and expr.name in parameters.asked:
            continue  # the prior answers for it
        own, link = parameter_of(distribution, name)
        what = f"`{name}` of `{distribution.family}`"
        if own.role is Role.SIZE and not parameters.resolver.is_data(expr):
            parameters.scope.report(
                "H304",
                f"{what} comes from data",
                expr.span,
                "a number of trials is known, not learned",
                help=f"declare its column: `data {name} : count`",
            )
            continue
        links = own.links if link is None else ()
        hint = f"write `{links[0]}_{name} = {text_of(expr)}`" if links else None
        _check(parameters, ranges, expr, asked_support(distribution, name), what, hint)


def _check(
    parameters: Parameters,
    ranges: Ranges,
    expr: Expr,
    wanted: Support,
    what: str,
    hint: str | None,
) -> None:
    found = ranges.of(expr)
    verdict = misfit(found, wanted)
    if verdict is None or wanted.discrete:
        return
    surely = verdict == "surely"
    if isinstance(expr, Constant) or found.lower == found.upper:
        parameters.scope.report(
            "H302",
            f"{what} must be {text_of_support(wanted)}, and this is {text_of(expr)}",
            expr.span,
            "out of bounds",
        )
        return
    parameters.scope.report(
        "H302" if surely else "H303",
        f"{what} must be {text_of_support(wanted)}, and this "
        f"{'can be any' if surely else 'may be another'} number",
        expr.span,
        f"lies in {text_of_support(found)}",
        help=hint,
    )
