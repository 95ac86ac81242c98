"""What the catalogue knows of one code: severity, explanation and two snippets that prove it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hdsl.diagnostics.diagnostic import Severity


@dataclass(frozen=True)
class Entry:
    """A row of the catalogue.

    ``bad`` and ``good`` are complete model files: the bad one gives exactly this code, the good
    one no diagnostic at all; both are empty where the machine is wrong and not a model (a package
    that is missing). Where the code needs data, ``rows`` is CSV text bound with both
    snippets, ``tables`` CSV text by level; ``good_rows`` and ``good_tables`` stand in for them
    where it is the data that the good snippet mends. A code that no model's text can show (a
    broken file) has no snippets; ``proof`` is then the id of the test that shows it.
    """

    code: str
    severity: Severity
    title: str
    explanation: str
    bad: str
    good: str
    rows: str | None = None
    tables: Mapping[str, str] = field(default_factory=dict)
    good_rows: str | None = None
    good_tables: Mapping[str, str] | None = None
    proof: str | None = None
