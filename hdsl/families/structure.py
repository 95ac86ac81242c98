"""What makes an array over levels a structure: draws of other families and a function of them.

A structure is sampled by what it is made of (a walk by its steps), never as a vector with a
density of its own, so that both backends sample the same sites and the number of groups may grow.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from hdsl.expr import Expr
from hdsl.families.formula import formula


class Along(Enum):
    """Along which of the levels of its index a structure runs; over the others it is independent.

    The value is what a reader calls it.
    """

    ORDERED = "the last ordered level of the index"
    EVERY = "all levels of the index together"
    LAST = "the last level of the index"
    DATA = "the level on which its data live"


class Over(Enum):
    """Over what a draw varies."""

    WHOLE = "every level"
    ONE = "a single number"
    WAVES = "the levels that it does not run along, and the basis functions"


@dataclass(frozen=True)
class Draw:
    """One site of a structure, ``z(trend)``: its name in the formulas and its distribution."""

    name: str
    family: str
    arguments: Mapping[str, Expr]  # of the structure's own arguments
    over: Over = Over.WHOLE
    doc: str = ""


@dataclass(frozen=True)
class Recursion:
    """The same by the distribution of each value given the one ``before`` it, for equations:
    mean and sd of a normal distribution, at first and after.
    """

    first: tuple[Expr, Expr]
    after: tuple[Expr, Expr]


@dataclass(frozen=True)
class Structure:
    """How a structure's value is made.

    ``value`` is a formula of the draws, the arguments, the functions in ``arrays`` and ``n``, the
    number of groups that it runs along, which is always the last axis; None where the family is
    sampled as it is, by its spellings. ``paired`` arguments are put between all pairs of groups.
    """

    along: Along
    draws: tuple[Draw, ...] = ()
    value: Expr | None = None
    paired: frozenset[str] = frozenset()
    recursion: "Recursion | None" = None


def recursion(first: tuple[str, str], after: tuple[str, str]) -> Recursion:
    """A recursion whose means and sds are written as formulas."""
    (start, width), (mean, sd) = first, after
    return Recursion((formula(start), formula(width)), (formula(mean), formula(sd)))


def draw(name: str, family: str, over: Over = Over.WHOLE, doc: str = "", **given: str) -> Draw:
    """A draw whose arguments are written as formulas.

    >>> draw("z", "normal", mu="0", sigma="1").arguments["sigma"]
    Constant(value=1.0)
    """
    return Draw(name, family, {key: formula(text) for key, text in given.items()}, over, doc)
