"""Expressions of the model as terms: every name a variable, every gather in place.

The same for the model and for `prepare`; they differ in what a quantity and an input are there.
"""

from collections.abc import Callable
from dataclasses import dataclass

from hdsl.backends.aggregates import aggregate_term
from hdsl.backends.gather import gather
from hdsl.backends.inputs import Chosen, Computed, GroupMean, Index, Input, Learned
from hdsl.backends.program import Call, Gather, Number, Term, Text, Variable
from hdsl.check.domains import domain_of, grouped
from hdsl.diagnostics.diagnostic import InternalError
from hdsl.expr import (
    Aggregate,
    Apply,
    Block,
    Constant,
    Contraction,
    Domain,
    Expr,
    Label,
    Member,
    Summary,
    Value,
    rewrite,
)
from hdsl.ir.model import Model

Quantity = Callable[[str, Domain], tuple[Term, Domain]]
"""A quantity by its name, for use at a domain: its term and the domain of that."""


def unfold(expr: Expr, model: Model, domain: Domain | None = None) -> Expr:
    """The expression with ``standardize`` and ``center`` written as what they compute.

    ``domain`` is where each group counts once; by default where the argument lives.
    """

    def change(found: Expr) -> Expr | None:
        match found:
            case Apply(function="standardize" | "center" as function, arguments=(argument,)):
                inner = unfold(argument, model, domain)
                over = domain if domain is not None else domain_of(inner, model)
                over = grouped(model.levels, over)
                centred = Apply("-", (inner, Summary("mean", inner, over)))
                if function == "center":
                    return centred
                return Apply("/", (centred, Summary("sd", inner, over)))
            case _:
                return None

    return rewrite(expr, change)


@dataclass(frozen=True)
class Terms:
    """Makes terms. ``compares_labels``: text can be compared here, as it can in `prepare`."""

    model: Model
    quantity: Quantity
    variable: Callable[[Input], str]
    size: Callable[[str], str]  # how many groups a level has, as Python source
    compares_labels: bool = False

    def __call__(self, expr: Expr, use: Domain) -> Term:
        """The term of an expression, such that it broadcasts over ``use``."""
        match expr:
            case Constant(value=value):
                return Number(value)
            case Label(text=text):
                return Text(text)
            case Value(name=name):
                term, domain = self.quantity(name, use)
                return self.gathered(term, domain, use)
            case Member():
                return self._member(expr, use)
            case Summary():
                learned = Variable(self.variable(Learned(expr)))
                return self.gathered(learned, domain_of(expr, self.model), use)
            case Apply():
                return self._applied(expr, use)
            case Contraction(axis=axis, argument=argument):
                return self._contraction(expr, axis, argument, use)
            case Aggregate(function="groupmean", to=to):
                return self.gathered(Variable(self.variable(GroupMean(expr))), to, use)
            case Aggregate(to=to):
                return self.gathered(aggregate_term(expr, self), to, use)
            case Block():
                raise InternalError(f"{type(expr).__name__} has no term yet")

    def _applied(self, expr: Apply, use: Domain) -> Term:
        """A call of a function, some of which are no functions of arrays alone."""
        match expr:
            case Apply(function="standardize" | "center"):
                return self(unfold(expr, self.model), use)
            case Apply(arguments=arguments) if not self.compares_labels and any(
                isinstance(argument, Label) for argument in arguments
            ):
                computed = Computed(expr, domain_of(expr, self.model))
                return self.gathered(Variable(self.variable(computed)), computed.domain, use)
            case Apply(function="completed", arguments=(Value() as data, Value() as missing)):
                return self._completed(data, missing, use)
            case Apply(function="correlated" | "correlated along"):
                return self._correlated(expr, use)
            case Apply(function=function, arguments=arguments):
                return Call(function, tuple(self(argument, use) for argument in arguments))

    def _completed(self, data: Value, missing: Value, use: Domain) -> Term:
        """Data with the missing values in their places."""
        (own,) = self.domain(data)
        (axis,) = self.domain(missing)
        place = Variable(self.variable(Index(own, axis)))
        values = self(missing, (axis,))
        return self.gathered(Call("completed", (self(data, (own,)), place, values)), (own,), use)

    def _correlated(self, expr: Apply, use: Domain) -> Term:
        """Standard deviates with their correlation: one of several, or all along an axis."""
        factor, *rest = expr.arguments
        turned = Call("transpose", (self(factor, ()),))
        if expr.function == "correlated along":
            return Call("matmul", (self(rest[0], use), turned))
        place, *deviates = rest
        assert isinstance(place, Constant)
        stacked = Call("stack", tuple(self(deviate, use) for deviate in deviates))
        return Gather(Call("matmul", (stacked, turned)), ("...", f"{place.value:g}"))

    def domain(self, expr: Expr) -> Domain:
        """The levels over which an expression varies."""
        return domain_of(expr, self.model)

    def shape(self, domain: Domain) -> Variable:
        """The shape of an array over a domain, as a Python tuple."""
        sizes = ", ".join(self.size(level) for level in domain)
        return Variable(f"({sizes},)" if len(domain) == 1 else f"({sizes})")

    def _contraction(self, expr: Expr, axis: str, argument: Expr, use: Domain) -> Term:
        """The sum over an axis: at the level where it lives, which may be coarser than the use."""
        own = domain_of(expr, self.model)
        at = own if len(own) < 2 else use
        match argument:
            case Apply(function="*", arguments=(left, right)) if domain_of(left, self.model) == (
                *at,
                axis,
            ) and domain_of(right, self.model) == (axis,):
                sides = self(left, (*at, axis)), self(right, (axis,))
                return self.gathered(Call("matmul", sides), at, use)
            case _:
                product = self(argument, (*at, axis))
                return self.gathered(Call("summed", (product,)), at, use)

    def gathered(self, term: Term, domain: Domain, use: Domain) -> Term:
        """A term over ``domain`` that broadcasts over ``use``."""
        return gather(term, domain, use, self.model.levels, self._lookup)

    def _lookup(self, coarse: str, fine: str) -> str:
        return self.variable(Index(coarse, fine))

    def _member(self, member: Member, use: Domain) -> Term:
        """One member (of several levels, perhaps) of a quantity, read at ``use``."""
        chosen: dict[str, str] = {}
        inner: Value | Member = member
        while isinstance(inner, Member):
            chosen[inner.level] = inner.label
            inner = inner.of
        term, domain = self.quantity(inner.name, domain_of(inner, self.model))
        if not set(chosen) <= set(domain):
            raise InternalError(f"{inner.name} has no member along {set(chosen) - set(domain)}")
        index = tuple(
            self.position(level, chosen[level]) if level in chosen else ":" for level in domain
        )
        rest = tuple(level for level in domain if level not in chosen)
        return self.gathered(Gather(term, index), rest, use)

    def position(self, level: str, label: str) -> str:
        """Where a labelled group stands: known for fixed members, else looked up in `prepare`."""
        found = self.model.levels[level]
        if found.kind.is_axis and found.members:
            return str(found.members.index(label))
        return self.variable(Chosen(level, label))
