"""H4xx: coefficients and hierarchy."""

from hdsl.diagnostics.entry import Entry

ENTRIES: tuple[Entry, ...] = ()
