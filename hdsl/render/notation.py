"""How equations are written down: the same equations in plain text and, in ``latex``, in LaTeX."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hdsl.expr import Expr
from hdsl.ir.model import Transform
from hdsl.ir.text import ATOM, Piece, compose, text_of_number, text_of_target


@dataclass(frozen=True)
class Equation:
    """``left relation right``, all three written in a notation; ``note`` stands behind."""

    left: str
    relation: str  # ~ or =
    right: str
    note: str = ""


@dataclass(frozen=True)
class Section:
    """The equations of one level: ``each`` names it, ``lookups`` say what its groups lie in."""

    each: tuple[tuple[str, str], ...]  # (level, its index)
    lookups: tuple[tuple[str, str], ...]  # (level above, lookup)
    equations: tuple[Equation, ...]


@dataclass(frozen=True)
class Joint:
    """Deviations drawn jointly: written totals, centres and sds, and their correlation."""

    totals: tuple[str, ...]
    centres: tuple[str, ...]
    sds: tuple[str, ...]
    correlation: str
    is_matrix: bool  # else it is one number between two
    along_axis: bool  # one total, centre and sd stand for all members of an axis


class Notation(Protocol):
    """What a way of writing must be able to write."""

    def quantity(self, name: str, indices: Sequence[str]) -> str:
        """A quantity by its name, with its indices or labels of members."""
        ...

    def label(self, text: str) -> str:
        """The label of a group."""
        ...

    def number(self, value: float) -> Piece:
        """A number."""
        ...

    def rearranged(self, expr: Expr) -> Expr:
        """An equal expression that reads better in this notation."""
        ...

    def apply(self, function: str, arguments: tuple[Piece, ...]) -> Piece:
        """An operator or a function."""
        ...

    def vector(self, items: Sequence[str]) -> str:
        """Numbers side by side."""
        ...

    def contraction(self, left: Piece, right: Piece) -> Piece:
        """The sum over an axis of the products of two vectors along it."""
        ...

    def argument(self, family: str, keyword: str | None, value: str) -> str:
        """An argument of a distribution, by position where ``keyword`` is None."""
        ...

    def distribution(self, family: str, arguments: Sequence[str]) -> str:
        """A distribution with its arguments."""
        ...

    def target(self, written: str, transform: Transform | None) -> str:
        """What stands left: a quantity or a function of it."""
        ...

    def joint(self, joint: Joint) -> Equation:
        """A multivariate normal distribution."""
        ...

    def document(self, title: str | None, sections: Sequence[Section]) -> str:
        """The whole."""
        ...


class Plain:
    """Equations for the terminal: names as in the model, indices in brackets."""

    def quantity(self, name: str, indices: Sequence[str]) -> str:
        """``alpha[j[i]]``."""
        return f"{name}[{', '.join(indices)}]" if indices else name

    def label(self, text: str) -> str:
        """The label in quotes."""
        return f'"{text}"'

    def number(self, value: float) -> Piece:
        """As in the model."""
        return text_of_number(value), ATOM if value >= 0 else ATOM - 2

    def rearranged(self, expr: Expr) -> Expr:
        """As in the model."""
        return expr

    def apply(self, function: str, arguments: tuple[Piece, ...]) -> Piece:
        """As in the model."""
        return compose(function, arguments)

    def vector(self, items: Sequence[str]) -> str:
        """As in the model, in brackets."""
        return f"[{', '.join(items)}]"

    def contraction(self, left: Piece, right: Piece) -> Piece:
        """As in the model: ``X[i] @ theta[j[i]]``."""
        return compose("@", (left, right))

    def argument(self, family: str, keyword: str | None, value: str) -> str:
        """As in the model."""
        return value if keyword is None else f"{keyword} = {value}"

    def distribution(self, family: str, arguments: Sequence[str]) -> str:
        """As in the model."""
        return f"{family}({', '.join(arguments)})"

    def target(self, written: str, transform: Transform | None) -> str:
        """As in the model."""
        return text_of_target(written, transform)

    def joint(self, joint: Joint) -> Equation:
        """``(a[j], b[j]) ~ multinormal((…, …), sd = (…, …), cor = …)``."""

        def tuple_of(items: Sequence[str]) -> str:
            return items[0] if len(items) == 1 else f"({', '.join(items)})"

        centre, sd = tuple_of(joint.centres), tuple_of(joint.sds)
        right = f"multinormal({centre}, sd = {sd}, cor = {joint.correlation})"
        return Equation(tuple_of(joint.totals), "~", right)

    def document(self, title: str | None, sections: Sequence[Section]) -> str:
        """A paragraph per level."""
        paragraphs = [" ".join(title.split())] if title is not None else []
        for section in sections:
            lines = [_heading(section)]
            lines += [
                f"  {e.left} {e.relation} {e.right}" + (f"   # {e.note}" if e.note else "")
                for e in section.equations
            ]
            paragraphs.append("\n".join(lines))
        return "\n\n".join(paragraphs) + "\n"


def _heading(section: Section) -> str:
    if not section.each:
        return "for all:"
    each = " × ".join(f"{level} {index}" for level, index in section.each)
    inside = " and ".join(f"{level} {lookup}" for level, lookup in section.lookups)
    return f"for each {each}{f', in {inside}' if inside else ''}:"
