"""H5xx: what a backend, or this version, cannot do."""

from hdsl.diagnostics.diagnostic import Severity
from hdsl.diagnostics.entry import Entry

ENTRIES: tuple[Entry, ...] = (
    Entry(
        "H510",
        Severity.ERROR,
        "not in this version",
        "The language has this construct and this version of the compiler does not: nothing is "
        "compiled rather than something else than what was written.",
        "data y, x, z : real\ndata X = [x, z]\ny ~ normal(X @ theta, sigma)\ntheta[X] ~ region\n",
        "data y, x, z : real\ny ~ normal(a * x + b * z, sigma)\na, b ~ region\n",
    ),
)
