"""H5xx: what a backend cannot do."""

from hdsl.diagnostics.entry import Entry

ENTRIES: tuple[Entry, ...] = ()
