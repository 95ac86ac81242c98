"""How a model is sampled where not as it is written: the same posterior, arranged for speed.

The passes make this; the backends write it as ``collapsed`` beside the model itself.
"""

from dataclasses import dataclass, field
from typing import Literal

from hdsl.expr import Expr
from hdsl.ir.model import Deviations, Model, Outcome, Parameter
from hdsl.source import NOWHERE, Span


@dataclass(frozen=True)
class Tier:
    """Gaussian effects of one level that a linear predictor adds up.

    ``nodes`` are its deviations, each share of which multiplies one of the predictor's columns:
    ``places`` has their numbers, share after share.
    """

    level: str
    nodes: tuple[Deviations, ...]
    places: tuple[int, ...]


@dataclass(frozen=True)
class Gaussian:
    """A normal outcome whose location is linear in Gaussian quantities, which are integrated out.

    The location is columns @ (population + sampled + tiers) + offset + rest. ``columns`` and
    ``offset`` are data; ``population`` are scalar parameters with normal priors and the columns
    they multiply, ``sampled`` scalars of any prior that stay; ``rest`` is all else that is sampled.
    ``tiers`` are nested, the finest first. ``scale`` is that of the outcome, one for each group of
    the finest tier or coarser; ``known_scale``: it is data and may differ from row to row.
    """

    outcome: Outcome
    columns: tuple[Expr, ...]
    tiers: tuple[Tier, ...]
    population: tuple[tuple[Parameter, int], ...]
    sampled: tuple[tuple[str, int], ...]
    offset: Expr | None
    rest: Expr | None
    scale: Expr
    known_scale: bool


@dataclass(frozen=True)
class Totals:
    """Coefficients of a level that are sampled as they are, in the place of deviations ``nodes``.

    ``sites`` are parameters of the model, one a coefficient; each is its mean plus the sum of its
    ``loadings`` (data over the level) times the deviations, share after share.
    """

    level: str
    sites: tuple[str, ...]
    means: tuple[Expr, ...]
    loadings: tuple[tuple[Expr, ...], ...]
    nodes: tuple[Deviations, ...]


@dataclass(frozen=True)
class Remark:
    """What a pass did, or why it did not, in a sentence."""

    by: str  # the name of the pass
    says: str
    kind: Literal["done", "declined"] = "done"
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class Arranged:
    """A model with what the passes made of it.

    ``model`` holds the nodes that are sampled as they are written; what was integrated out is
    gone from it, and ``gaussian`` has it; ``totals`` are sampled in the place of deviations;
    ``scored`` are parameters that are sampled by their scores, with a typical value of each.
    """

    model: Model
    gaussian: Gaussian | None = None
    totals: tuple[Totals, ...] = ()
    scored: tuple[tuple[str, Expr], ...] = ()
    remarks: tuple[Remark, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether it is anything but the model as it is written."""
        return self.gaussian is not None or bool(self.totals or self.scored)
