"""A model's data once read: the rows kept, the groups, the columns; and how to point at them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hdsl.data.column import Column, Mask
from hdsl.data.evaluate import Evaluator
from hdsl.data.levels import Groups
from hdsl.data.problem import SHOWN, number, numbered, quoted
from hdsl.data.table import Codes
from hdsl.expr import ROW, Domain
from hdsl.ir.model import Data, Model


@dataclass(frozen=True)
class Dataset:
    """Columns by data name over their domains. ``kept`` are the rows of the file, from 0, that
    the model uses: those that a `drop` leaves out are not among them.
    """

    model: Model
    kept: Codes
    groups: Mapping[str, Groups]
    columns: Mapping[str, Column]

    @property
    def evaluator(self) -> Evaluator:
        """Evaluates expressions of these columns."""
        return Evaluator(self.model, self.groups, self.columns)

    def base_columns(self) -> Iterator[tuple[Data, Column]]:
        """The data that are read, not derived, with their values."""
        for node in self.model.nodes:
            if isinstance(node, Data) and node.expr is None and node.name in self.columns:
                yield node, self.columns[node.name]

    def place(self, domain: Domain, position: int) -> str:
        """What a position along a domain is called: its row in the file, or its group.

        A row counts from 1.
        """
        if domain in ((), (ROW,)):
            return f"row {self.kept[position] + 1}"
        [level] = domain
        return f"{level} {quoted(self.groups[level].labels[position])}"

    def show(self, column: Column, chosen: Mask) -> str:
        """The first positions that a mask chooses, with their values, one a line."""
        positions = np.flatnonzero(chosen)
        values = [shown(column.values[i]) for i in positions[:SHOWN]]
        return self.places(column.domain, positions, values)

    def places(
        self, domain: Domain, positions: Sequence[int] | Codes, values: Sequence[str]
    ) -> str:
        """Positions with a text each; as many as a message shows, then how many are left."""
        pairs = zip(positions[:SHOWN], values, strict=False)
        lines = [f"{self.place(domain, int(i))}: {value}" for i, value in pairs]
        rest = len(positions) - SHOWN
        return "\n".join([*lines, f"and {rest:,} more"] if rest > 0 else lines)

    def where(self, domain: Domain, chosen: Mask) -> str:
        """The first positions that a mask chooses, on one line: ``rows 3, 7 and 12 more``."""
        positions = np.flatnonzero(chosen)
        if domain == (ROW,):
            names = [f"{self.kept[i] + 1}" for i in positions[:SHOWN]]
            head = "row" if len(positions) == 1 else "rows"
        else:
            names = [quoted(self.groups[domain[0]].labels[i]) for i in positions[:SHOWN]]
            head = domain[0]
        rest = len(positions) - SHOWN
        more = f" and {rest:,} more" if rest > 0 else ""
        return f"{head} {', '.join(names)}{more}"


def shown(value: object) -> str:
    """A value as a message shows it."""
    if isinstance(value, float):
        return "missing" if np.isnan(value) else number(value)
    return "missing" if value is None else quoted(str(value))


def counted_places(domain: Domain, count: int) -> str:
    """How many rows or groups, in words.

    >>> counted_places(("row",), 2), counted_places(("region",), 1)
    ('2 rows', '1 group of `region`')
    """
    if domain in ((), (ROW,)):
        return numbered(count, "row")
    return f"{numbered(count, 'group')} of `{domain[0]}`"
