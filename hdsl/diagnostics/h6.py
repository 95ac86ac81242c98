"""H6xx: statistical advice."""

from hdsl.diagnostics.entry import Entry

ENTRIES: tuple[Entry, ...] = ()
