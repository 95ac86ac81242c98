"""Index letters: `i` for the rows, `j`, `k`, … for the levels above them, `j[i]` for a lookup."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hdsl.expr import ROW, Domain
from hdsl.ir.levels import above, direct_parents
from hdsl.ir.model import Deviations, Model

_LETTERS = "jklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Indices:
    """The letter of every level and axis that something varies over."""

    model: Model
    letters: Mapping[str, str]
    shown: bool = True
    left_out: frozenset[str] = frozenset()  # axes that a contraction sums over

    def at(self, own: Domain, here: Domain) -> tuple[str, ...]:
        """The indices of a quantity over ``own`` in a statement about each group of ``here``."""
        if not self.shown:
            return ()
        return tuple(self._one(level, here) for level in own if level not in self.left_out)

    def _one(self, level: str, here: Domain) -> str:
        letter = self.letters[level]
        if level in here:
            return letter
        finer = (fine for fine in here if level in above(self.model, fine))
        return next((f"{letter}[{self.letters[fine]}]" for fine in finer), letter)

    def lookups(self, here: Domain) -> tuple[tuple[str, str], ...]:
        """The levels directly above those of a domain, each with its lookup: county, ``j[i]``."""
        found = (
            (parent, f"{self.letters[parent]}[{self.letters[level]}]")
            for level in here
            if level in self.model.levels
            for parent in direct_parents(self.model, level)
            if parent in self.letters and parent not in here
        )
        return tuple(dict.fromkeys(found))

    def everywhere(self, axis: str) -> "Indices":
        """The same with a dot for one axis: all its members at once."""
        return replace(self, letters={**self.letters, axis: "·"})

    def without(self, axis: str) -> "Indices":
        """The same with no index for an axis: vectors along it."""
        return replace(self, left_out=self.left_out | {axis})

    def hidden(self) -> "Indices":
        """The same with no index shown: for what is taken over all groups at once."""
        return replace(self, shown=False)


def indices_of(model: Model) -> Indices:
    """Letters for all levels that something varies over, finer levels first."""
    used: dict[str, None] = {}
    for node in model.nodes:
        used |= dict.fromkeys(node.domain)
        if isinstance(node, Deviations):
            used |= {axis: None for share in node.shares for axis in (node.level, *share.axes)}
    finer = [level for level in reversed(tuple(model.levels)) if level in used and level != ROW]
    others = [*finer, *(axis for axis in used if axis not in model.levels)]
    letters = {level: _letter(number) for number, level in enumerate(others)}
    return Indices(model, {ROW: "i", **letters})


def _letter(number: int) -> str:
    """After the last letter they start again, numbered."""
    turn, place = divmod(number, len(_LETTERS))
    return _LETTERS[place] + (str(turn + 1) if turn else "")
