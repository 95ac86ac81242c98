"""Structures in their place: along which level each runs, and what its arguments may vary over."""

from dataclasses import replace
from typing import TYPE_CHECKING

from hdsl.check.domains import outside, reaching
from hdsl.check.predictor import Use
from hdsl.check.scope import INCREASING
from hdsl.check.spelling import quoted
from hdsl.expr import BROKEN, ROW, Apply, Constant, Domain, Expr, Summary, Value, rewrite
from hdsl.families import FAMILIES, Along, Family, Role
from hdsl.families.formula import formula
from hdsl.ir.model import Distribution, Level, LevelKind, Parameter
from hdsl.ir.text import text_of
from hdsl.ir.wrapped import heart, parameter_of
from hdsl.syntax import ast

if TYPE_CHECKING:
    from hdsl.check.resolve import Resolver
    from hdsl.source import Span


def place(
    resolver: "Resolver", name: str, domain: Domain, distribution: Distribution, span: "Span"
) -> Distribution | None:
    """The distribution with the level that it runs along; None where something was reported.

    A distribution of single values is given back as it is. ``span`` is that of what stands left.
    """
    family = FAMILIES.get(distribution.family)
    if family is None or family.structure is None:
        return distribution
    along = _along(resolver, name, domain, distribution, span)
    if along is None or not _settings_are_numbers(resolver, family, distribution):
        return None
    if family.structure.value is None:
        return replace(distribution, along=along)
    level = along or None
    held = domain if level is None else (level,)
    others = tuple(each for each in domain if each not in held)
    for argument, expr in distribution.arguments:
        if not _is_covariate(family, argument):
            one_per_whole(resolver, family, argument, expr, domain, others)
    return replace(distribution, along=level)


def _along(
    resolver: "Resolver", name: str, domain: Domain, distribution: Distribution, span: "Span"
) -> str | None:
    """The level that a structure runs along, "" for all together; None where there is none."""
    family = FAMILIES[distribution.family]
    assert family.structure is not None
    if not domain:
        resolver.scope.report(
            "H410",
            f"`{family.name}` is of many values, and `{name}` is a single one",
            span,
            "it has no level",
            help="write a distribution of one value, such as `normal(0, 1)`"
            if "(" in name
            else f"index it: `{name}[{_some_level(resolver)}] ~ {family.name}(…)`",
        )
        return None
    match family.structure.along:
        case Along.ORDERED:
            return _ordered(resolver, name, domain, family, span)
        case Along.EVERY:
            return domain[0] if len(domain) == 1 else ""
        case Along.LAST:
            return domain[-1]
        case Along.DATA:
            return _of_data(resolver, name, domain, distribution)


def _ordered(
    resolver: "Resolver", name: str, domain: Domain, family: Family, span: "Span"
) -> str | None:
    levels = resolver.scope.levels
    found = [level for level in domain if _is_ordered(levels[level])]
    if found:
        return found[-1]
    crossed = next((level for level in domain if levels[level].kind is LevelKind.CROSS), None)
    if crossed is not None:
        parts = ", ".join(levels[crossed].parents)
        what = "combinations have no order"
        help = f"write `{name}[{parts}]`: one walk for each group, over all of the ordered level"
    elif domain == (ROW,):
        what = "the rows have no order"
        level = _some_level(resolver)
        help = f"declare what orders them, `level {level} ordered`, and write `{name}[{level}]`"
    else:
        what = f"{quoted(domain)} {'is' if len(domain) == 1 else 'are'} not ordered"
        help = f"declare `level {domain[-1]} ordered`"
    resolver.scope.report(
        "H410", f"`{family.name}` runs along an ordered level, and here is none", span, what,
        help=help,
    )  # fmt: skip
    return None


def _some_level(resolver: "Resolver") -> str:
    """An ordered level of the model, or one to serve as an example."""
    return next((level.name for level in resolver.scope.levels.values() if level.ordered), "week")


def _is_ordered(level: Level) -> bool:
    """Whether neighbours have a meaning: declared so, or written out in an order."""
    return level.ordered or level.kind is LevelKind.FIXED


def _of_data(
    resolver: "Resolver", name: str, domain: Domain, distribution: Distribution
) -> str | None:
    """The level that the data of a smooth function live on."""
    argument, expr = next(
        (key, value)
        for key, value in distribution.arguments
        if _is_covariate(FAMILIES[distribution.family], key)
    )
    scope, own = resolver.scope, resolver.domain(expr)
    if expr is BROKEN:
        return None
    if not resolver.is_data(expr) or not own:
        scope.report(
            "H411",
            f"`{argument}` of `{distribution.family}` is data, and this is not",
            expr.span,
            "a function is one of something that is known for every group",
            help=f"declare it: `data {argument} : real per {domain[-1]}`",
        )
        return None
    beyond = outside(scope.levels, own, domain)
    if beyond or len(own) > 1:
        declared = text_of(expr)
        scope.report(
            "H206",
            f"`{name}` is a function of data per {quoted(domain)}, and these vary over "
            f"{quoted(beyond or own)}",
            expr.span,
            "more than one value for a group" if beyond else "several levels at once",
            help=f"if every `{domain[-1]}` has one value, say so: "
            f"`data {declared} : real per {domain[-1]}`",
        )
        return None
    return reaching(scope.levels, domain, own[0])[0]


def is_free(distribution: Distribution, argument: str) -> bool:
    """Whether an argument is neither data that a function is of nor a number of the model's."""
    role = parameter_of(distribution, argument)[0].role
    return role not in (Role.COVARIATE, Role.SETTING)


def _is_covariate(family: Family, argument: str) -> bool:
    return any(p.name == argument and p.role is Role.COVARIATE for p in family.parameters)


def _settings_are_numbers(resolver: "Resolver", family: Family, distribution: Distribution) -> bool:
    settings = {p.name: p for p in family.parameters if p.role is Role.SETTING}
    for name, expr in distribution.arguments:
        if name not in settings:
            continue
        whole = settings[name].support.discrete
        if not isinstance(expr, Constant) or (whole and not expr.value.is_integer()):
            resolver.scope.report(
                "H411",
                f"`{name}` of `{family.name}` is a {'whole ' if whole else ''}number written in "
                "the model",
                expr.span,
                "not such a number",
                help=f"write one: `{name} = {settings[name].otherwise:g}`",
            )
            return False
    return True


def one_per_whole(
    resolver: "Resolver",
    family: Family,
    argument: str,
    expr: Expr,
    domain: Domain,
    others: Domain,
) -> None:
    """Report an argument that changes inside the structure itself."""
    scope = resolver.scope
    own = resolver.domain(expr)
    inside = outside(scope.levels, own, others)
    if not inside or outside(scope.levels, own, domain):
        return  # the last is reported as for any other distribution
    held = f"one value per {quoted(others)}" if others else "a single value"
    scope.report(
        "H411",
        f"`{argument}` of `{family.name}` is {held}, and this varies over {quoted(inside)}",
        expr.span,
        f"varies over {quoted(inside)}",
        help="it is the same all along the structure",
    )


def refuse_outcome(resolver: "Resolver", name: str, distribution: Distribution) -> bool:
    """Report a structure as the distribution of data; tells whether it was one."""
    family = heart(distribution)
    if family.structure is None:
        return False
    argument = f"{distribution.family}(…)"
    resolver.scope.report(
        "H411",
        f"`{family.name}` is a prior of parameters, and `{name}` is data",
        distribution.span,
        "data have a distribution around it",
        help=f"write `{name} ~ normal(trend, sigma)` and `trend[week] ~ {argument}`",
    )
    return True


def refuse_members(
    resolver: "Resolver", name: str, distribution: Distribution, increasing: bool
) -> bool:
    """Report members of a structure that the model sets; tells whether there are any."""
    pins = resolver.scope.pins.get(name, [])
    if heart(distribution).structure is None and not increasing:
        return False
    what = INCREASING if increasing else distribution.family
    for pin in pins:
        resolver.scope.report(
            "H411",
            f"no member of `{what}(…)` can be set",
            pin.target.span,
            "its values depend on one another",
            help=f"take the member off where `{name}` is used, or let an intercept carry the level",
        )
    return bool(pins)


def is_made_of_draws(distribution: Distribution) -> bool:
    """Whether a distribution is a structure that is computed from draws, never sampled itself."""
    structure = heart(distribution).structure
    return structure is not None and structure.value is not None


def refuse_centring(
    resolver: "Resolver", name: str, distribution: Distribution, option: ast.With | None
) -> None:
    """Report `with centered` of a structure: it has the one form."""
    if option is not None and option.name == "centered":
        resolver.scope.report(
            "H215",
            f"`{name}` has no centred form",
            option.span,
            f"`{distribution.family}` is always sampled by what it is made of",
            help="drop the `with`",
        )


def structure_default(use: Use, user: Parameter, scale: Expr | None) -> Distribution | None:
    """The default prior of a structure's parameter, as the families' table has it.

    ``scale`` is that of what has the structure; None where no rule tells it.
    """
    template = use.parameter.default
    if template is None or (scale is None and "{scale}" in template):
        return None
    written = formula(template.format(scale="scale_", x="x_"))
    assert isinstance(written, Apply)
    given = dict(user.distribution.arguments)
    covariate = next((given[key] for key in given if _is_covariate_of(user, key)), None)
    along = () if user.distribution.along is None else (user.distribution.along,)

    def filled(node: Expr) -> Expr | None:
        match node:
            case Value(name="scale_"):
                return scale
            case Apply(function="min" | "max" as function, arguments=(Value(name="x_"),)):
                assert covariate is not None
                return Summary(function, covariate, along)
            case _:
                return None

    family = FAMILIES[written.function]
    arguments = (rewrite(argument, filled) for argument in written.arguments)
    names = (parameter.name for parameter in family.parameters)
    return Distribution(family.name, tuple(zip(names, arguments, strict=True)))


def _is_covariate_of(user: Parameter, argument: str) -> bool:
    return _is_covariate(heart(user.distribution), argument)
