"""What a coefficient statement implies, by name and by level: values that the passes hand on."""

from dataclasses import dataclass, field

from hdsl.check.scope import CoefficientSpec, spell
from hdsl.expr import Domain, Expr
from hdsl.source import NOWHERE, Span


@dataclass(frozen=True)
class Implied:
    """Why an implied parameter is there: the accessor that names it, and of what."""

    accessor: str
    spec: CoefficientSpec
    level: str | None = None
    predictor: Expr | None = None
    baseline: bool = False  # slopes of a factor: the first label is the baseline


@dataclass(frozen=True)
class Asked:
    """A use of `new(b)`, inside each group of ``at`` if any; ``natural``: with its link undone."""

    spec: CoefficientSpec
    at: Domain
    natural: bool
    span: Span = field(default=NOWHERE, compare=False)

    @property
    def name(self) -> str:
        """The name of the quantity: `new(b)`, `new(log(sigma), market)`."""
        subject = self.spec.name if self.natural else self.spec.scale
        return spell("new", (subject,), self.at[0] if self.at else None)


@dataclass(frozen=True)
class LevelPieces:
    """What enters a coefficient at one level of one term."""

    term: int
    level: str
    deviation: str
    slopes: tuple[tuple[str, Expr, Expr], ...]  # name, predictor, the two together

    def slope_terms(self) -> list[Expr]:
        """What each slope adds to the coefficient."""
        return [term for _, _, term in self.slopes]
