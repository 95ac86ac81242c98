"""H1xx: syntax."""

from hdsl.diagnostics.diagnostic import Severity
from hdsl.diagnostics.entry import Entry

ENTRIES: tuple[Entry, ...] = (
    Entry(
        code="H100",
        severity=Severity.ERROR,
        title="a sign or word where none can stand",
        explanation="The statement cannot be read from this place on.",
        bad="sigma ~ normal(0, @)",
        good="y ~ normal(mu, sigma)",
    ),
)
