"""H7xx: remarks of passes."""

from hdsl.diagnostics.entry import Entry

ENTRIES: tuple[Entry, ...] = ()
