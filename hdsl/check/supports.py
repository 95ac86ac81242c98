"""Do the arguments of distributions lie where they must, as far as the model alone tells?"""

from collections.abc import Mapping

from hdsl.check.distributions import asked_support
from hdsl.check.parameters import Parameters, is_role
from hdsl.check.ranges import Ranges, misfit
from hdsl.expr import Constant, Expr, Value
from hdsl.families import FAMILIES, Role, Support
from hdsl.families.family import POSITIVE
from hdsl.ir.model import Correlation, Definition, Node, Outcome, Parameter
from hdsl.ir.text import text_of, text_of_support


def check_supports(
    parameters: Parameters, nodes: Mapping[str, Node], ordered: tuple[Node, ...]
) -> None:
    """Report every argument, and every sd or correlation that is set, that leaves its support."""
    ranges = Ranges(nodes.get)
    for node in ordered:
        match node:
            case Outcome() | Parameter(rule=None):
                _check_arguments(parameters, ranges, node)
            case Correlation(concentration=concentration):
                _check(parameters, ranges, concentration, POSITIVE, "`eta` of `lkj`", None)
            case Definition(name=name, expr=expr):
                implied = parameters.coefficients.implied.get(name)
                if implied is not None and implied.accessor in ("sd", "cor"):
                    _check(parameters, ranges, expr, parameters.wanted(name), f"`{name}`", None)
            case _:
                pass


def _check_arguments(parameters: Parameters, ranges: Ranges, node: Outcome | Parameter) -> None:
    family = FAMILIES[node.distribution.family]
    for name, expr in node.distribution.arguments:
        if isinstance(expr, Value) and expr.name in parameters.asked:
            continue  # the prior answers for it
        what = f"`{name}` of `{family.name}`"
        if is_role(node.distribution, name, Role.SIZE) and not parameters.resolver.is_data(expr):
            parameters.scope.report(
                "H304",
                f"{what} comes from data",
                expr.span,
                "a number of trials is known, not learned",
                help=f"declare its column: `data {name} : count`",
            )
            continue
        links = next((p.links for p in family.parameters if p.name == name), ())
        hint = f"write `{links[0]}_{name} = {text_of(expr)}`" if links else None
        _check(parameters, ranges, expr, asked_support(family, name), what, hint)


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
