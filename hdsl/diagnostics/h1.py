"""H1xx: syntax."""

from hdsl.diagnostics.entry import Entry

ENTRIES: tuple[Entry, ...] = ()
