"""A diagnostic is a value: what is wrong, where, why, and what to type.

How it is shown lives in ``render``, what a code means in the catalogue.
"""

from dataclasses import dataclass
from enum import Enum

from hdsl.source import Span


class Severity(Enum):
    """How much a diagnostic weighs: only errors stop the compiler."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Label:
    """A place in the model's text and what to say about it."""

    span: Span
    text: str = ""


@dataclass(frozen=True)
class Diagnostic:
    """One finding. ``label`` is None only where the model's text has no place to blame."""

    code: str
    headline: str
    label: Label | None = None
    others: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: str | None = None

    @property
    def severity(self) -> Severity:
        """The severity that the catalogue gives to the code."""
        from hdsl.diagnostics.catalogue import CATALOGUE

        return CATALOGUE[self.code].severity


class ModelError(Exception):
    """Raised where a model or its data are wrong; carries every diagnostic at once."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...], source: object = None) -> None:
        self.diagnostics = diagnostics
        self.source = source
        super().__init__("; ".join(d.headline for d in diagnostics))


class InternalError(Exception):
    """A defect of HDSL itself, never of the user's model."""
