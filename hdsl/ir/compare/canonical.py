"""Expressions in a form in which those that mean the same are spelled the same.

Definitions are written out, sums and products sorted, a function of its inverse dropped. That
is not algebra: two expressions that are equal by a theorem stay different.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import assert_never

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
)
from hdsl.families import FAMILIES
from hdsl.families.links import LINKS
from hdsl.ir.model import Distribution
from hdsl.ir.text import text_of_number

_UNDONE = {
    pair
    for link in LINKS.values()
    if isinstance(link.forward, Apply) and isinstance(link.inverse, Apply)
    for pair in (
        (link.inverse.function, link.forward.function),
        (link.forward.function, link.inverse.function),
    )
    if len(link.forward.arguments) == len(link.inverse.arguments) == 1
}
"""Pairs of functions, outer and inner, that leave a value as it was."""


@dataclass(frozen=True)
class Canon:
    """``names`` are what quantities are called here; ``inlined`` what stands for some of them."""

    names: Mapping[str, str]
    inlined: Mapping[str, Expr]

    def text(self, expr: Expr) -> str:
        """The canonical spelling of an expression; only good to be compared with another."""
        match expr:
            case Constant(value=value):
                return text_of_number(value)
            case Label(text=text):
                return f'"{text}"'
            case Value(name=name):
                if name in self.inlined:
                    return self.text(self.inlined[name])
                return self.names.get(name, name)
            case Member(of=of, level=level, label=label):
                return f'{self.text(of)}[{self._level(level)} "{label}"]'
            case Summary(function=function, argument=argument, domain=domain):
                return f"{function}({self.text(argument)} over {self._levels(domain)})"
            case Block(axis=axis, items=items):
                columns = (f"{label}: {self.text(item)}" for label, item in items)
                return f"[{', '.join(columns)}] along {self._level(axis)}"
            case Contraction(axis=axis, argument=argument):
                return f"sum({self.text(argument)} along {self._level(axis)})"
            case Aggregate(function=function, argument=argument, to=to, weight=weight):
                weighed = "" if weight is None else f" weighed by {self.text(weight)}"
                return f"{function}({self.text(argument)} to {self._levels(to)}{weighed})"
            case Apply():
                return self._applied(expr)
            case _:
                assert_never(expr)

    def distribution(self, distribution: Distribution) -> dict[str, str]:
        """The canonical spelling of each argument, linked ones unlinked, and of what it wraps."""
        family = FAMILIES.get(distribution.family)
        plain = {} if family is None else {
            f"{link}_{p.name}": (link, p.name) for p in family.parameters for link in p.links
        }  # fmt: skip
        found = {}
        for name, expr in distribution.arguments:
            if name in plain:
                link, name = plain[name]
                expr = LINKS[link].invert(expr)
            found[name] = self.text(expr)
        for place, inner in enumerate(distribution.inner):
            arguments = sorted(self.distribution(inner).items())
            found[f"inner {place}"] = f"{inner.family}({arguments})"
        if distribution.along is not None:
            found["along"] = self._level(distribution.along)
        return found

    def _level(self, level: str) -> str:
        return self.names.get(level, level)

    def _levels(self, domain: Domain) -> str:
        return ", ".join(map(self._level, domain))

    def _applied(self, expr: Apply) -> str:
        function, arguments = expr.function, expr.arguments
        if function in ("+", "-"):
            terms = sorted(f"{sign}{text}" for sign, text in self._terms(expr, "+"))
            return f"({' '.join(terms)})"
        if function == "*":
            return f"({' * '.join(sorted(self._factors(expr)))})"
        match arguments:
            case (Value(name=name),) if name in self.inlined:
                return self._applied(Apply(function, (self.inlined[name],)))
            case (Apply(function=inner, arguments=(innermost,)),) if (function, inner) in _UNDONE:
                return self.text(innermost)
        return f"{function}({', '.join(self.text(a) for a in arguments)})"

    def _terms(self, expr: Expr, sign: str) -> Iterator[tuple[str, str]]:
        """The terms of a sum with their signs."""
        other = {"+": "-", "-": "+"}[sign]
        match expr:
            case Value(name=name) if name in self.inlined:
                yield from self._terms(self.inlined[name], sign)
            case Apply(function="+", arguments=(left, right)):
                yield from self._terms(left, sign)
                yield from self._terms(right, sign)
            case Apply(function="-", arguments=(left, right)):
                yield from self._terms(left, sign)
                yield from self._terms(right, other)
            case Apply(function="-", arguments=(operand,)):
                yield from self._terms(operand, other)
            case _:
                yield sign, self.text(expr)

    def _factors(self, expr: Expr) -> Iterator[str]:
        match expr:
            case Value(name=name) if name in self.inlined:
                yield from self._factors(self.inlined[name])
            case Apply(function="*", arguments=(left, right)):
                yield from self._factors(left)
                yield from self._factors(right)
            case _:
                yield self.text(expr)
