"""Distributions made of others as calls: the wrapper's helper, what it wraps, and its tails.

The tails of a distribution, the log probabilities below and above a point, are a function that the
generated file defines from the formulas of the families table.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hdsl.backends.expressions import write
from hdsl.backends.layout import lay_out
from hdsl.backends.program import Call, Drawn, Number, Term, Variable
from hdsl.diagnostics.diagnostic import InternalError
from hdsl.expr import Apply, Constant, Expr, Value, names, walk
from hdsl.families import FAMILIES, LINKS, Library, function_of
from hdsl.families.family import Family
from hdsl.families.lookup import called, plain_argument
from hdsl.families.tails import TAIL_FUNCTIONS, in_pytensor
from hdsl.families.wrapper import BY_EVENT, MIXTURE_OVER, WRAPPERS, Helper, argument


@dataclass(frozen=True)
class Spelled:
    """A distribution as a backend writes it, and the definitions that the file needs for it."""

    constructor: str
    arguments: str
    helpers: tuple[str, ...] = ()

    @property
    def call(self) -> str:
        """The whole call."""
        return f"{self.constructor}({self.arguments})"


@dataclass(frozen=True)
class Wrapping:
    """Spells for one library; ``shape`` is what a PyMC variable inside another is told of its
    shape, and ``shape_over`` gives it with one axis more.
    """

    library: Library
    shape: str = ""
    longer: Mapping[str, str] | None = None

    def spelled(self, drawn: Drawn) -> Spelled:
        """A distribution as the call of a site; PyMC's site puts its name first."""
        if drawn.family not in WRAPPERS:
            return spell_family(drawn, self.library)
        match drawn.family:
            case "mixture" if drawn.along is not None:
                return self._over(drawn)
            case "mixture":
                return self._mixture(drawn)
            case "truncated" | "censored":
                return self._bounded(drawn)
            case "hurdle":
                return self._with_share(drawn, self._without_zeros(drawn.inner[0]))
            case "zeroinflated":
                return self._with_share(drawn, drawn.inner[0])
            case "weighted":
                inner = self._inside(drawn.inner[0])
                weights = self._text(dict(drawn.arguments)["w"])
                return self._made("weighted", f"{inner.call}, {weights}", inner.helpers)
            case _:
                raise InternalError(f"no backend writes {drawn.family}")

    # ------------------------------------------------------------ each kind

    def _made(
        self, name: str, arguments: str, helpers: tuple[str, ...], own: Helper | None = None
    ) -> Spelled:
        helper = own or WRAPPERS[name].helper
        return Spelled(helper.name, arguments, (*helpers, helper.source(self.library)))

    def _bounded(self, drawn: Drawn) -> Spelled:
        inner, (base,) = self._inside(drawn.inner[0]), drawn.inner
        given = dict(drawn.arguments)
        if "event" not in given:
            tails, helpers = self._tails(base)
            bounds = [f"{name}={self._text(term)}" for name, term in given.items()]
            arguments = ", ".join((inner.call, tails, *bounds))
            return self._made(drawn.family, arguments, (*inner.helpers, *helpers))
        event = self._text(given["event"])
        if self.library is Library.PYMC:
            assert drawn.value is not None
            tails, helpers = self._tails(base, drawn.value)
            arguments = f"{inner.call}, {event}, {tails}[1]"
        else:
            tails, helpers = self._tails(base)
            arguments = f"{inner.call}, {tails}, {event}"
        return self._made("", arguments, (*inner.helpers, *helpers), BY_EVENT)

    def _with_share(self, drawn: Drawn, base: Drawn) -> Spelled:
        inner = self._inside(base)
        ((name, term),) = drawn.arguments
        logits = self._text(_logit(drawn.family, name, term))
        return self._made(drawn.family, f"{inner.call}, {logits}", inner.helpers)

    def _without_zeros(self, drawn: Drawn) -> Drawn:
        """What a hurdle wraps: counts begin at 1."""
        if not _is_discrete(drawn) or drawn.family == "truncated":
            return drawn
        return Drawn("truncated", (("lower", Number(1.0)),), (drawn,))

    def _mixture(self, drawn: Drawn) -> Spelled:
        inner = [self._inside(component) for component in drawn.inner]
        weights = ", ".join(self._text(term) for _, term in drawn.arguments)
        components = ", ".join(each.call for each in inner)
        helpers = tuple(helper for each in inner for helper in each.helpers)
        return self._made("mixture", f"[{weights}], [{components}]", helpers)

    def _over(self, drawn: Drawn) -> Spelled:
        assert drawn.along is not None
        longer = replace(self, shape=(self.longer or {}).get(drawn.along, ""))
        inner = longer._inside(drawn.inner[0])
        weights = self._text(dict(drawn.arguments)["weights"])
        return self._made("", f"{weights}, {inner.call}", inner.helpers, MIXTURE_OVER)

    def _inside(self, drawn: Drawn) -> Spelled:
        """A distribution inside another: in PyMC a variable without a name, of the full shape."""
        found = self.spelled(drawn)
        if self.library is Library.NUMPYRO:
            return found
        if drawn.family in WRAPPERS:
            return replace(found, arguments=f"None, {found.arguments}")
        arguments = ", ".join(part for part in (found.arguments, self.shape) if part)
        if found.constructor.startswith("pm."):
            return replace(found, constructor=f"{found.constructor}.dist", arguments=arguments)
        return replace(found, arguments=f"None, {arguments}")

    # ------------------------------------------------------------ tails

    def _tails(self, drawn: Drawn, at: str | None = None) -> tuple[str, tuple[str, ...]]:
        """The tails of a distribution as a function of one point, or at a point."""
        name, arguments, helpers = self._tail_call(drawn)
        if at is not None:
            return f"{name}({', '.join((at, *arguments))})", helpers
        return f"partial({', '.join((name, *arguments))})", helpers

    def _tail_call(self, drawn: Drawn) -> tuple[str, list[str], tuple[str, ...]]:
        if drawn.family not in WRAPPERS:
            return self._family_tails(drawn)
        source = WRAPPERS[drawn.family].helper.tails
        assert source is not None
        own = (in_pytensor(source) if self.library is Library.PYMC else source,)
        if drawn.family == "mixture":
            parts = [self._tails(component) for component in drawn.inner]
            weights = ", ".join(self._text(term) for _, term in drawn.arguments)
            tails = ", ".join(text for text, _ in parts)
            helpers = (helper for _, needed in parts for helper in needed)
            arguments = [f"weights=[{weights}]", f"tails=[{tails}]"]
            return "mixture_tails", arguments, (*own, *helpers)
        if drawn.family == "truncated":
            tails, needed = self._tails(drawn.inner[0])
            given = dict(drawn.arguments)
            bounds = [
                f"{name}={self._text(given[name]) if name in given else 'None'}"
                for name in ("lower", "upper")
            ]
            step = f"step={int(_is_discrete(drawn))}"
            return "truncated_tails", [f"tails={tails}", *bounds, step], (*own, *needed)
        ((name, term),) = drawn.arguments
        base = drawn.inner[0]
        tails, needed = self._tails(self._without_zeros(base) if drawn.family == "hurdle" else base)
        logits = self._text(_logit(drawn.family, name, term))
        return "zero_tails", [f"tails={tails}", f"logits={logits}"], (*own, *needed)

    def _family_tails(self, drawn: Drawn) -> tuple[str, list[str], tuple[str, ...]]:
        family = FAMILIES[drawn.family]
        terms = dict(drawn.arguments)
        given: dict[str, Expr] = {name: Value(name) for name in terms}
        arguments = [
            f"{name}={self._text(term_of(plain_argument(family, given, name), terms))}"
            for name in tail_parameters(family)
        ]
        return f"{family.name}_tails", arguments, tail_definitions(family, self.library)

    def _text(self, term: Term) -> str:
        return write(term, self.library)


def _logit(family: str, name: str, term: Term) -> Term:
    """The log odds of a share, from the form in which it is given."""
    _, link = argument(WRAPPERS[family], name)
    if link is None:
        match term:
            case Call(function="expit", arguments=(inner,)):
                return inner
            case _:
                return Call("logit", (term,))
    logit = LINKS[link].logit
    assert logit is not None
    return term_of(logit, {"x": term})


def _is_discrete(drawn: Drawn) -> bool:
    while drawn.inner:
        drawn = drawn.inner[0]
    return FAMILIES[drawn.family].support.discrete


# ---------------------------------------------------------------- families


def spell_family(drawn: Drawn, library: Library) -> Spelled:
    """A row of the families table with its arguments, in the most stable form the backend has."""
    terms = dict(drawn.arguments)
    call = called(FAMILIES[drawn.family], library, {name: Value(name) for name in terms})
    slots = {name: write(term_of(expr, terms), library) for name, expr in call.slots.items()}
    spelling = call.spelling
    helpers = (spelling.helper,) if spelling.helper is not None else ()
    return Spelled(spelling.constructor, spelling.arguments.format(**slots), helpers)


def term_of(expr: Expr, terms: Mapping[str, Term]) -> Term:
    """A formula of the families table as a term, with the arguments put in."""
    match expr:
        case Constant(value=value):
            return Number(value)
        case Value(name=name):
            return terms[name]
        case Apply(function=function, arguments=arguments):
            return Call(function, tuple(term_of(part, terms) for part in arguments))
        case _:
            raise InternalError(f"a spelling holds {expr}")


def tail_parameters(family: Family) -> tuple[str, ...]:
    """The parameters that the distribution function of a family depends on, in its order."""
    assert family.log_cdf is not None and family.log_survival is not None
    used = {*names(family.log_cdf), *names(family.log_survival)}
    return tuple(p.name for p in family.parameters if p.name in used)


def tail_definitions(family: Family, library: Library) -> tuple[str, ...]:
    """What a file must hold for the tails of a family: their function, and what it calls."""
    assert family.log_cdf is not None and family.log_survival is not None
    parameters = tail_parameters(family)
    called_with = f"{family.name}({', '.join(parameters)})"
    lines = [
        f"def {family.name}_tails({', '.join(('x', *parameters))}):",
        f'    """Log probabilities of {called_with}: at or below x, and above x."""',
    ]
    if library is Library.PYMC:
        given = ", ".join(("x", *parameters))  # a whole number written in the model is not int8
        lines.append(f'    {given} = (pt.cast(v, "float64") for v in ({given}))')
    terms: dict[str, Term] = {name: Variable(name) for name in ("x", *parameters)}
    for target, formula in (("below", family.log_cdf), ("above", family.log_survival)):
        lines += lay_out(f"{target} = {write(term_of(formula, terms), library)}", 4)
    lines.append("    return below, above")
    needed: dict[str, None] = {}
    for formula in (family.log_cdf, family.log_survival):
        for node in walk(formula):
            if isinstance(node, Apply):
                needed |= dict.fromkeys(_definitions(node, library))
    return ("\n".join(lines) + "\n", *needed)


def _definitions(call: Apply, library: Library) -> tuple[str, ...]:
    if call.function in TAIL_FUNCTIONS:
        return (TAIL_FUNCTIONS[call.function].definition(library is Library.PYMC),)
    if call.function == "angle":
        return ()
    helper = function_of(call).helper(library)
    return () if helper is None else (helper,)
