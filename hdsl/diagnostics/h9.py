"""H9xx: data and run time."""

from hdsl.diagnostics.entry import Entry

ENTRIES: tuple[Entry, ...] = ()
