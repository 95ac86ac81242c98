"""Every code that HDSL can report, collected from the families of codes.

Documentation, ``hdsl explain`` and the tests iterate over it; a code that is not here cannot
be reported, since a diagnostic takes its severity from its row.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from hdsl.diagnostics import h1, h2, h3, h4, h5, h6, h7, h9, h94, h95, h98
from hdsl.diagnostics.diagnostic import InternalError
from hdsl.diagnostics.entry import Entry


def collect(families: Iterable[tuple[Entry, ...]]) -> Mapping[str, Entry]:
    """The entries by code, in the order of their codes; a code given twice is a defect of ours."""
    table: dict[str, Entry] = {}
    for entry in (entry for entries in families for entry in entries):
        if entry.code in table:
            raise InternalError(f"two catalogue entries for {entry.code}")
        table[entry.code] = entry
    return MappingProxyType(dict(sorted(table.items())))


CATALOGUE = collect(family.ENTRIES for family in (h1, h2, h3, h4, h5, h6, h7, h9, h94, h95, h98))
