"""H3xx: types, domains and supports."""

from hdsl.diagnostics.entry import Entry

ENTRIES: tuple[Entry, ...] = ()
