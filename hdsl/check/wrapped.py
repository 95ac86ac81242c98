"""Calls of wrappers, such as `censored(normal(mu, s), upper = 5)`, to typed distributions."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from hdsl.check.domains import outside
from hdsl.check.predictor import NodeOf, look_through
from hdsl.check.scope import is_distribution
from hdsl.check.spelling import nearest, quoted
from hdsl.check.structures import is_free
from hdsl.expr import Apply, Constant, Domain, Expr, Value, names
from hdsl.families.lookup import interval
from hdsl.families.ranges import point
from hdsl.families.wrapper import WEIGHT, WRAPPERS, Wrapper
from hdsl.ir.model import Distribution, LevelKind, Parameter
from hdsl.ir.uses import argument_domain, inner_domain
from hdsl.ir.wrapped import heart, is_discrete, leaves, support
from hdsl.source import Span
from hdsl.syntax import ast

if TYPE_CHECKING:
    from hdsl.check.resolve import Resolver

Resolve = Callable[["Resolver", ast.Call], Distribution | None]


def resolve_wrapped(resolver: "Resolver", call: ast.Call, resolve: Resolve) -> Distribution | None:
    """The typed distribution of a wrapper's call, or None if something was reported.

    ``resolve`` gives the distributions inside.
    """
    wrapper = WRAPPERS[call.name]
    calls = [arg for arg in call.args if arg.keyword is None and _is_distribution(arg)]
    rest = [arg for arg in call.args if arg not in calls]
    if not _has_insides(resolver, wrapper, call, calls):
        return None
    inner = []
    for arg in calls:
        assert isinstance(arg.value, ast.Call)
        found = resolve(resolver, arg.value)
        if found is None or not _may_wrap(resolver, wrapper, found, arg.value.name_span):
            return None
        inner.append(found)
    if wrapper.several:
        return _mixture(resolver, call, rest, tuple(inner))
    arguments = _arguments(resolver, wrapper, call, rest)
    if arguments is None or not _agree(resolver, wrapper, call, arguments, inner[0]):
        return None
    return Distribution(call.name, arguments, tuple(inner), span=call.span)


def _is_distribution(arg: ast.Arg) -> bool:
    return isinstance(arg.value, ast.Call) and is_distribution(arg.value.name)


def usage(wrapper: Wrapper) -> str:
    """How a wrapper is written: the text of a help."""
    return "write " + " or ".join(f"`{text}`" for text in wrapper.signatures)


def _has_insides(
    resolver: "Resolver", wrapper: Wrapper, call: ast.Call, calls: list[ast.Arg]
) -> bool:
    if len(calls) == 1 or (wrapper.several and calls):
        return True
    headline = (
        f"`{wrapper.name}` wraps a distribution, and there is none"
        if not calls
        else f"`{wrapper.name}` wraps one distribution, not {len(calls)}"
    )
    span = calls[1].span if calls else call.span
    resolver.scope.report("H320", headline, span, help=usage(wrapper))
    return False


# ---------------------------------------------------------------- what may stand inside


def _may_wrap(resolver: "Resolver", wrapper: Wrapper, inner: Distribution, span: Span) -> bool:
    """Whether a distribution may stand inside a wrapper; reports it if not."""
    problem = _problem(wrapper, inner)
    if problem is None:
        return True
    headline, label, help = problem
    resolver.scope.report("H320", headline, span, label, help=help)
    return False


def _problem(wrapper: Wrapper, inner: Distribution) -> tuple[str, str, str | None] | None:
    """Why a distribution cannot stand inside a wrapper: headline, label and help."""
    name = inner.family
    if name in WRAPPERS and name not in wrapper.takes:
        help = {
            "weighted": "weights stand outermost: `weighted(d, w)`",
            wrapper.name: f"say it in one `{name}`",
        }.get(name, f"turn them round: `{name}({wrapper.name}(…))`")
        if name != wrapper.name and wrapper.name not in WRAPPERS[name].takes:
            help = "wrap the distribution once"
        return f"`{wrapper.name}` cannot wrap `{name}`", "it stands inside", help
    family = heart(inner)
    if family.improper or family.name == "lkj" or family.structure is not None:
        return f"`{wrapper.name}` cannot wrap `{name}`", "a prior that stands alone", None
    if family.categories is not None and wrapper.name != "weighted":
        return f"`{wrapper.name}` is of numbers, and `{name}` is of labels", "", None
    counts = family.support.discrete
    if wrapper.name == "zeroinflated" and not counts:
        help = "a continuous distribution has no zeros of its own: write `hurdle(d, p)`"
        return f"`zeroinflated` is for counts, and `{family.name}` is continuous", "", help
    if wrapper.name == "zeroinflated" and family.support.lower > 0:
        help = "write `hurdle(d, p)`"
        return f"`zeroinflated` adds to zeros, and `{family.name}` has none", "", help
    if wrapper.needs_tails or (wrapper.name == "hurdle" and counts):
        return _without_tails(wrapper, inner)
    return None


def _without_tails(wrapper: Wrapper, inner: Distribution) -> tuple[str, str, str | None] | None:
    for leaf in leaves(inner):
        family = heart(leaf)
        if family.log_survival is None:
            needs = "it has no distribution function in closed form"
            return f"`{family.name}` cannot be `{wrapper.name}`", needs, None
    if inner.family == "mixture" and inner.along is not None:
        help = "write its components out: `mixture([w, 1 - w], d1, d2)`"
        return f"`{wrapper.name}` cannot wrap a mixture over a level", "over a level", help
    if wrapper.name == "hurdle" and inner.family == "censored":
        return (
            "`hurdle` cannot wrap `censored` counts",
            "",
            "turn them round: `censored(hurdle(…))`",
        )
    if wrapper.name == "hurdle" and inner.family == "truncated" and support(inner).lower < 1:
        help = "the hurdle takes the zeros away: leave the truncation out, or write `lower = 1`"
        return "`hurdle` wants truncated counts to begin at 1", "", help
    return None


# ---------------------------------------------------------------- arguments


def _arguments(
    resolver: "Resolver",
    wrapper: Wrapper,
    call: ast.Call,
    given: list[ast.Arg],
) -> tuple[tuple[str, Expr], ...] | None:
    """The arguments in the row's order, by the name of the parameter or its linked form."""
    known = {
        (p.name if link is None else f"{link}_{p.name}"): p.name
        for p in wrapper.parameters
        for link in (None, *p.links)
    }
    found: dict[str, tuple[str, ast.Arg]] = {}
    free = [] if wrapper.by_name else [p.name for p in wrapper.parameters]
    for arg in given:
        name = arg.keyword or (free.pop(0) if free else "")
        parameter = known.get(name)
        if parameter is None or parameter in found:
            near = nearest(name, known) if name else None
            says = "is given twice" if parameter else "has no such argument"
            headline = f"`{name}` {says}" if parameter else f"`{wrapper.name}` {says}"
            help = f"did you mean `{near}`?" if near and not parameter else usage(wrapper)
            resolver.scope.report("H205", headline, arg.span, help=help)
            return None
        found[parameter] = (name, arg)
    missing = [p.name for p in wrapper.parameters if p.name not in found]
    if missing and (not wrapper.by_name or not found):
        headline = f"`{wrapper.name}` needs {quoted(missing) if len(missing) == 1 else 'a bound'}"
        resolver.scope.report("H205", headline, call.span, help=usage(wrapper))
        return None
    return tuple(
        (found[p.name][0], _number(resolver, found[p.name][1]))
        for p in wrapper.parameters
        if p.name in found
    )


def _number(resolver: "Resolver", arg: ast.Arg) -> Expr:
    if isinstance(arg.value, ast.LevelName):
        resolver.scope.report("H205", "a level cannot stand here", arg.span)
        return Constant(0.0)
    return resolver.resolve(arg.value)


def _agree(
    resolver: "Resolver",
    wrapper: Wrapper,
    call: ast.Call,
    arguments: tuple[tuple[str, Expr], ...],
    inner: Distribution,
) -> bool:
    """Whether the arguments can stand together, as far as they are constants."""
    given = dict(arguments)
    if "event" in given and len(given) > 1:
        resolver.scope.report(
            "H320", "`event` stands alone, without bounds", call.span, help=usage(wrapper)
        )
        return False
    bounds = [given[name] for name in ("lower", "upper") if name in given]
    uneven = [b for b in bounds if isinstance(b, Constant) and not b.value.is_integer()]
    if uneven and is_discrete(inner):
        resolver.scope.report("H320", "a bound of counts is a whole number", uneven[0].span)
        return False
    lower, upper = given.get("lower"), given.get("upper")
    if isinstance(lower, Constant) and isinstance(upper, Constant) and lower.value >= upper.value:
        resolver.scope.report("H320", "the lower bound must be below the upper", upper.span)
        return False
    for name in ("event", "w"):
        if name in given and not resolver.is_data(given[name]):
            what = "whether an event was seen" if name == "event" else "a weight"
            resolver.scope.report(
                "H304",
                f"{what} comes from data",
                given[name].span,
                "known, not learned",
                help="declare its column among the data",
            )
            return False
    return True


# ---------------------------------------------------------------- mixtures


def _mixture(
    resolver: "Resolver",
    call: ast.Call,
    rest: list[ast.Arg],
    inner: tuple[Distribution, ...],
) -> Distribution | None:
    report = resolver.scope.report
    known = len(rest) == 1 and rest[0].keyword in (None, "weights")
    if not known or isinstance(rest[0].value, ast.LevelName):
        headline = "`mixture` takes weights, and the distributions that have them"
        span = rest[-1].span if rest else call.span
        report("H205", headline, span, help=usage(WRAPPERS["mixture"]))
        return None
    if len({is_discrete(d) for d in inner}) > 1:
        report(
            "H320",
            "the components of a mixture are all counts or all continuous",
            inner[1].span,
            "another kind than the first",
            help="for zeros besides a continuous distribution write `hurdle(d, p)`",
        )
        return None
    value = rest[0].value
    if isinstance(value, ast.Block):
        return _listed(resolver, call, value, inner)
    return _over_level(resolver, call, value, inner)


def _listed(
    resolver: "Resolver", call: ast.Call, block: ast.Block, inner: tuple[Distribution, ...]
) -> Distribution | None:
    if len(block.items) != len(inner) or len(inner) < 2:
        resolver.scope.report(
            "H321",
            f"{len(block.items)} weights for {len(inner)} component{'s' * (len(inner) != 1)}",
            block.span,
            "a weight for each component, two or more",
            help="write `mixture([w, 1 - w], d1, d2)`",
        )
        return None
    arguments = tuple(
        (f"{WEIGHT}{i}", _number(resolver, item)) for i, item in enumerate(block.items, 1)
    )
    return Distribution("mixture", arguments, inner, span=call.span)


def _over_level(
    resolver: "Resolver", call: ast.Call, value: ast.Expr, inner: tuple[Distribution, ...]
) -> Distribution | None:
    weights = resolver.resolve(value)
    levels = resolver.scope.levels
    fixed = [
        level
        for level in resolver.domain(weights)
        if level in levels and levels[level].kind is LevelKind.FIXED
    ]
    if len(inner) != 1 or len(fixed) != 1:
        resolver.scope.report(
            "H321",
            "the weights of a mixture are a list, or vary over a level of its components",
            value.span,
            f"a weight for each of {len(inner)} components" if len(inner) > 1 else "",
            help="write `mixture([w, 1 - w], d1, d2)`, or declare `level component = {a, b}` and "
            "give each of its members a weight",
        )
        return None
    return Distribution("mixture", (("weights", weights),), inner, along=fixed[0], span=call.span)


def check_domains(
    resolver: "Resolver", distribution: Distribution, domain: Domain
) -> Iterator[tuple[Expr, Domain, Domain]]:
    """The arguments that vary over levels they may not: with what they may, and what is beyond."""
    for name, expr in distribution.arguments:
        allowed = argument_domain(distribution, name, domain)
        beyond = outside(resolver.scope.levels, resolver.domain(expr), allowed)
        if beyond and is_free(distribution, name):
            yield expr, allowed, beyond
    for inner in distribution.inner:
        yield from check_domains(resolver, inner, inner_domain(distribution, domain))


def adds_up(distribution: Distribution, node_of: NodeOf) -> bool:
    """Whether the weights of a mixture add up to 1; True where the model alone cannot tell."""
    weights = [look_through(expr, "", node_of) for _, expr in distribution.arguments]
    used = {name for weight in weights for name in names(weight)}
    nodes = [node_of(name) for name in used]
    if distribution.along is not None:
        match nodes:
            case [Parameter(distribution=prior)] if isinstance(weights[0], Value):
                return prior.along is not None
            case _:
                return True
    parameters = [node for node in nodes if isinstance(node, Parameter) and not node.domain]
    whole = [weight for weight in weights if isinstance(weight, Value | Constant | Apply)]
    if len(parameters) < len(nodes) or len(whole) < len(weights):
        return True
    for shift in (0.0, 0.11, 0.23):  # numbers that no parameter is likely to mean
        values = {name: point(0.07 + shift + 0.13 * i) for i, name in enumerate(sorted(used))}
        parts = [interval(weight, values.__getitem__) for weight in weights]
        known = all(part.lower == part.upper for part in parts)
        if known and abs(sum(part.lower for part in parts) - 1.0) > 1e-9:
            return False
    return True
