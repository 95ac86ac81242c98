"""Calls of distributions to typed ones, and the supports that they give and ask for."""

from dataclasses import dataclass
from math import exp, inf, log

from hdsl.check.increasing import refuse_elsewhere
from hdsl.check.labels import CUT, are_shares, refuse_labels, refuse_shares
from hdsl.check.resolve import Resolver
from hdsl.check.scope import INCREASING
from hdsl.check.spelling import nearest, quoted
from hdsl.check.wrapped import resolve_wrapped
from hdsl.expr import Constant, Expr
from hdsl.families import ELSEWHERE, FAMILIES, likely, natural_family
from hdsl.families.family import POSITIVE, REAL, UNIT, Categories, Family, Role, Support
from hdsl.families.functions import FUNCTIONS
from hdsl.families.wrapper import WRAPPERS
from hdsl.ir.model import Distribution, Transform
from hdsl.ir.text import text_of, text_of_support
from hdsl.ir.wrapped import heart, parameter_of
from hdsl.syntax import ast


@dataclass(frozen=True)
class Prior:
    """A resolved distribution and the function of its target that has it."""

    distribution: Distribution
    transform: Transform | None


def resolve_distribution(resolver: Resolver, call: ast.Call) -> Distribution | None:
    """The typed distribution of a call, or None if something was reported."""
    scope = resolver.scope
    if call.name == INCREASING:
        refuse_elsewhere(resolver, call)
        return None
    if call.name in WRAPPERS:
        return resolve_wrapped(resolver, call, resolve_distribution)
    family = FAMILIES.get(call.name)
    if family is None:
        near = ELSEWHERE.get(call.name.casefold()) or nearest(
            call.name, (*FAMILIES, *WRAPPERS, INCREASING, "likely")
        )
        function = call.name in FUNCTIONS
        scope.report(
            "H204",
            f"unknown distribution `{call.name}`",
            call.name_span,
            "a function, not a distribution" if function else "no distribution has this name",
            help=f"did you mean `{near}`?"
            if near
            else "a quantity that is computed stands left of `=`"
            if function
            else None,
        )
        return None
    along = None if family.categories is None else scope.axes.get(resolver.outcome or "")
    if family.categories is not None and along is None:
        refuse_labels(scope, call)
        return None
    named = _arguments_by_name(resolver, family, call)
    if named is None:
        return None
    arguments = tuple((name, resolver.resolve(expr)) for name, expr in named)
    return Distribution(family.name, arguments, along=along, span=call.span)


def _arguments_by_name(
    resolver: Resolver, family: Family, call: ast.Call
) -> list[tuple[str, ast.Expr]] | None:
    """The arguments in the family's order, by the name of the parameter or its linked form."""
    scope = resolver.scope
    found: dict[str, tuple[str, ast.Expr]] = {}
    for position, arg in enumerate(call.args):
        if family.categories is Categories.UNORDERED and arg.keyword == "baseline":
            continue  # it says which label the axis lacks
        if isinstance(arg.value, ast.LevelName):
            help = f"write `{_positions(family)}`"
            scope.report("H205", "a level cannot stand here", arg.span, help)
            return None
        placed = (
            _by_position(resolver, family, call, position)
            if arg.keyword is None
            else _by_keyword(resolver, family, arg)
        )
        if placed is None:
            return None
        parameter, name = placed
        if parameter in found:
            scope.report("H205", f"argument `{parameter}` is given twice", arg.span, "again here")
            return None
        found[parameter] = (name, arg.value)
    for p in family.parameters:
        if p.role is Role.CUTS:
            own = ast.Call(CUT, (ast.Arg(ast.Ref(resolver.outcome or "")),))
            given = found.setdefault(p.name, (p.name, own))[1]
            if given != own:
                help = f"write `{family.name}({family.parameters[0].name})`"
                headline = f"the cut points of `{resolver.outcome}` are its own"
                scope.report("H205", headline, given.span, help=help)
                return None
    missing = [p.name for p in family.parameters if p.name not in found and p.otherwise is None]
    if missing:
        scope.report(
            "H205",
            f"`{family.name}` needs {quoted(missing)} too",
            call.span,
            f"{quoted(missing)} {'is' if len(missing) == 1 else 'are'} missing",
            help=f"write `{_positions(family)}`",
        )
        return None
    return [found[p.name] for p in family.parameters if p.name in found]


def _by_position(
    resolver: Resolver, family: Family, call: ast.Call, position: int
) -> tuple[str, str] | None:
    """The parameter at a position and its name; None where there is none, which is reported."""
    span, report = call.args[position].span, resolver.scope.report
    if family.categories is Categories.UNORDERED and are_shares(
        resolver.scope, call.args[position].value
    ):
        refuse_shares(resolver.scope, resolver.outcome, span)
        return None
    if not family.positional and family.parameters:
        report(
            "H205",
            f"the arguments of `{family.name}` are given by name only",
            span,
            "PyMC and Stan differ in the order",
            help=f"write `{_keywords(family)}`",
        )
        return None
    if position >= len(family.parameters):
        report(
            "H205",
            f"`{family.name}` takes {len(family.parameters)} arguments, not {len(call.args)}",
            span,
            "one too many",
            help=f"write `{_positions(family)}`",
        )
        return None
    name = family.parameters[position].name
    return name, name


_PROBABILITIES = ("p", "probs", "theta")
"""What others call the probabilities of labels."""


def _by_keyword(resolver: Resolver, family: Family, arg: ast.Arg) -> tuple[str, str] | None:
    """The parameter that a keyword names, and the keyword; None where none, which is reported."""
    known, name = _forms(family), arg.keyword or ""
    if name in known:
        return known[name], name
    if family.categories is Categories.UNORDERED and name in _PROBABILITIES:
        refuse_shares(resolver.scope, resolver.outcome, arg.keyword_span)
        return None
    near = nearest(name, known)
    resolver.scope.report(
        "H205",
        f"`{family.name}` has no argument `{name}`",
        arg.keyword_span,
        f"it has {quoted(p.name for p in family.parameters)}",
        help=f"did you mean `{near}`?" if near else f"write `{_positions(family)}`",
    )
    return None


def _positions(family: Family) -> str:
    """The call as it is to be written; what may be left out is."""
    return f"{family.name}({', '.join(p.name for p in family.parameters if p.otherwise is None)})"


def _forms(family: Family) -> dict[str, str]:
    """Every keyword that a family takes, linked forms among them, to its parameter."""
    plain = {p.name: p.name for p in family.parameters}
    linked = {f"{link}_{p.name}": p.name for p in family.parameters for link in p.links}
    return plain | linked


def _keywords(family: Family) -> str:
    needed = (f"{p.name} = …" for p in family.parameters if p.otherwise is None)
    return f"{family.name}({', '.join(needed)})"


def asked_support(distribution: Distribution, name: str) -> Support:
    """Where an argument must lie: anywhere for a linked form."""
    own, link = parameter_of(distribution, name)
    return own.support if link is None else REAL


# ---------------------------------------------------------------- likely(lo, hi)


def likely_prior(
    resolver: Resolver, call: ast.Call, support: Support, transform: Transform | None
) -> Prior | None:
    """The prior that `likely(lo, hi)` stands for: 95% of the natural family between the two."""
    scope = resolver.scope
    bounds = [_constant(a.value) for a in call.args if a.keyword is None]
    if len(bounds) != 2 or len(call.args) != 2 or None in bounds:
        help = "write `likely(0.1, 10)`"
        scope.report("H307", "`likely` takes two numbers", call.span, help=help)
        return None
    lower, upper = (float(b) for b in bounds if b is not None)
    if not lower < upper:
        scope.report("H307", "the first number must be the smaller one", call.span)
        return None
    natural = natural_family(REAL if transform is not None else support)
    if natural is None:
        where = text_of_support(support)
        headline = f"`likely` has no family for a parameter in {where}"
        scope.report("H307", headline, call.span, help="write a distribution")
        return None
    if natural.link is not None and not (support.lower < lower and upper < support.upper):
        where = text_of_support(support)
        headline = f"this parameter is {where}, and so must the two numbers be"
        scope.report("H307", headline, call.span)
        return None
    arguments = likely(natural, Constant(lower), Constant(upper))
    tidy = tuple((name, _tidy(value)) for name, value in arguments.items())
    through = Transform(natural.link) if natural.transform and natural.link else transform
    return Prior(Distribution(natural.family, tidy, span=call.span), through)


def _tidy(value: Expr) -> Expr:
    """Six digits, and no dust from subtracting logarithms."""
    assert isinstance(value, Constant)
    return Constant(float(f"{round(value.value, 12):.6g}"))


def _constant(expr: ast.Expr | ast.LevelName) -> float | None:
    match expr:
        case ast.Number(value=value):
            return value
        case ast.Unary(operand=operand):
            inner = _constant(operand)
            return None if inner is None else -inner
        case _:
            return None


# ---------------------------------------------------------------- supports under a function


def support_behind(transform: Transform | None, support: Support) -> Support:
    """The support of a parameter whose function value has ``support``.

    >>> support_behind(Transform("power", 2.0), Support(0.0)).lower
    0.0
    """
    if transform is None:
        return support
    match transform.link:
        case "log":
            low, high = _exp(support.lower), _exp(support.upper)
            found = Support(low, high)
        case "logit" | "probit" | "cloglog":
            found = UNIT
        case "exp":
            low = log(support.lower) if support.lower > 0 else -inf
            high = log(support.upper) if 0 < support.upper < inf else inf
            found = Support(low, high)
        case "sqrt":
            found = Support(max(support.lower, 0.0) ** 2, support.upper**2)
        case _:
            found = _power(transform.power or 1.0, support)
    if transform.negated:
        return Support(-found.upper, -found.lower)
    return found


def _exp(value: float) -> float:
    return exp(value) if value < 700 else inf


def _power(power: float, support: Support) -> Support:
    ends = []
    for end in (max(support.lower, 0.0), support.upper):
        if end == 0.0:
            ends.append(0.0 if power > 0 else inf)
        elif end == inf:
            ends.append(inf if power > 0 else 0.0)
        else:
            ends.append(end ** (1 / power))
    return Support(min(ends), max(ends)) if power % 2 == 0 or support.lower >= 0 else POSITIVE


def suggestion_for(name: str, distribution: Distribution, wanted: Support) -> str | None:
    """The text to type where a prior leaves the support of its parameter."""
    folded = heart(distribution).folded if not distribution.inner else None
    if wanted.lower == 0.0 and wanted.upper == inf and folded is not None:
        kept = [text_of(value) for key, value in distribution.arguments if key != "mu"]
        return f"write `{name} ~ {folded}({', '.join(kept)})`"
    if wanted.lower == 0.0 and wanted.upper == inf:
        return f"write `{name} ~ exponential(1)`, or another distribution above zero"
    if wanted.within(UNIT):
        return f"write `{name} ~ beta(1, 1)`, or `logit({name}) ~ normal(0, 1.5)`"
    return None
