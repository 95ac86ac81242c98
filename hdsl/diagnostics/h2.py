"""H2xx: names and levels."""

from hdsl.diagnostics.entry import Entry

ENTRIES: tuple[Entry, ...] = ()
