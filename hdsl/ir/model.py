"""The typed model: a table of nodes in an order in which each uses only earlier ones.

A node's type is its support and its domain. Everything that a picture, a report, a pass or a
backend needs is here; nothing here knows text, data values or a backend.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

from hdsl.expr import Domain, Expr
from hdsl.families.family import Support
from hdsl.source import NOWHERE, Source, Span


class LevelKind(Enum):
    """Where a level's groups come from."""

    ROW = "row"  # every row is a group: the built-in finest level
    COLUMN = "column"  # the distinct values of a column (within the parents, if it has any)
    CROSS = "cross"  # the observed combinations of other levels
    FIXED = "fixed"  # members written in the model
    BLOCK = "block"  # the columns of a block: an axis. Members that data name are not known here
    CATEGORY = "category"  # the labels of an outcome without its baseline: an axis
    CUT = "cut"  # the cut points between the labels of an ordered outcome: an axis

    @property
    def is_axis(self) -> bool:
        """Whether no row belongs to one group of it: its members stand side by side."""
        return self not in (LevelKind.ROW, LevelKind.COLUMN, LevelKind.CROSS)


@dataclass(frozen=True)
class Level:
    """A grouping factor. ``parents`` are the levels directly above it; for a CROSS level they are
    its components, and a CROSS level of `A : B` is named ``A:B`` unless the model names it. An axis
    of an outcome's labels is ``of`` that outcome; ``baseline`` is the label that it lacks, if the
    model says which (else the first).
    """

    name: str
    kind: LevelKind
    column: str | None = None
    parents: tuple[str, ...] = ()
    ordered: bool = False
    members: tuple[str, ...] = ()
    of: str | None = None
    baseline: str | None = None
    span: Span = field(default=NOWHERE, compare=False, repr=False)


class DataType(Enum):
    """The types of §4.2 of the language reference."""

    REAL = "real"
    POSITIVE = "positive"
    PROPORTION = "proportion"
    COUNT = "count"
    BINARY = "binary"
    FACTOR = "factor"
    ORDERED = "ordered"


@dataclass(frozen=True, kw_only=True)
class _Node:
    name: str  # canonical: as the formatter spells the quantity
    domain: Domain
    span: Span = field(default=NOWHERE, compare=False, repr=False)  # of the statement it comes from


@dataclass(frozen=True)
class Lag:
    """The value of a column some steps earlier along a level, inside others.

    ``of`` is data of the rows; ``inferred``: the model does not say inside which levels.
    """

    of: str
    along: str
    within: Domain
    steps: int = 1
    inferred: bool = False


@dataclass(frozen=True, kw_only=True)
class Data(_Node):
    """A column (``expr`` is None) or data derived from others.

    ``domain`` is ("row",) or that of the `per` level. A derived expression may hold
    any function, ``standardize`` and ``center``, comparisons with a ``Label``, and
    ``Apply("missing", ())``.
    """

    column: str | None
    type: DataType
    members: tuple[str, ...] = ()
    expr: Expr | None = None
    drop: bool = False
    impute: bool = False  # missing values are parameters
    inferred: bool = False  # no statement declares it
    observed: bool = False  # it is an outcome: may be missing
    lag: Lag | None = None  # read from the rows before: the column is made first of all


@dataclass(frozen=True)
class Distribution:
    """A family and its arguments by parameter or linked-form name, in the family's order.

    A wrapper (``censored``, ``mixture``, …) holds the distributions that it wraps in ``inner``;
    ``arguments`` are then its own. ``along`` is the level or axis that a structure
    (``randomwalk``, ``zerosum``, ``dirichlet``, …) runs along: over all others it is independent;
    and that of the labels or cut points of a distribution of labels (``categorical``).
    """

    family: str
    arguments: tuple[tuple[str, Expr], ...]
    inner: tuple["Distribution", ...] = ()
    along: str | None = None
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class Transform:
    """An invertible function g left of ``~`` or ``=``: the statement is about g(value).

    ``link`` is ``log logit probit cloglog sqrt exp power``; ``power`` the exponent of the last;
    ``negated``: the function is of -value.
    """

    link: str
    power: float | None = None
    negated: bool = False


@dataclass(frozen=True, kw_only=True)
class Parameter(_Node):
    """A sampled quantity, independent over its domain given its distribution's arguments.

    ``transform`` g: g(parameter) has the distribution. ``pinned`` members are set to constants.
    ``rule`` is set where the prior is a default: the rule it follows.
    """

    support: Support
    distribution: Distribution
    transform: Transform | None = None
    pinned: tuple[
        tuple[tuple[str, ...], Expr], ...
    ] = ()  # (a label per level of the domain, value)
    centred: bool = True  # False: `with noncentered` on a location-scale distribution over a level
    baseline: bool = False  # the first label of the last level is fixed at 0 (slopes of a factor)
    rule: str | None = None
    implied: bool = False  # no statement declares it: a bare name in an outcome's distribution
    hidden: bool = False  # the results do not hold it
    imputes: str | None = None  # the column of which it holds the missing values, and no others
    increasing: bool = False  # along the last level: each has the distribution, in this order

    @property
    def is_plain(self) -> bool:
        """Whether each of its values is drawn from its distribution as it stands."""
        special = self.transform is not None or self.pinned or self.baseline or self.imputes
        return not (special or self.increasing)


@dataclass(frozen=True, kw_only=True)
class Definition(_Node):
    """A deterministic quantity; ``expr`` already holds the inverse of a link written on the left.

    ``laid_out``: it has an array over its domain. Otherwise (a crossing of levels, a crossed
    coefficient) it exists only where it is used, at the domain of the use.
    ``recorded``: it belongs to the results; ``reported``: because the model asks for it, so that
    it is recorded however many groups there are.
    """

    expr: Expr
    laid_out: bool = True
    recorded: bool = True
    reported: bool = False


@dataclass(frozen=True)
class Share:
    """One target's part of a ``Deviations`` node: its coefficient and the names of its quantities.

    ``axes`` are the target's own index axes (``theta[machine] ~ worker``: ("machine",)).
    ``centre``: what the level's deviations are added to where the node is centred
    (mean + predictors + coarser deviations), over a domain no finer than the level and the axes.
    """

    coefficient: str
    deviation: str  # name of the dev quantity: `dev(alpha, market)`
    sd: str  # name of the sd quantity
    axes: Domain
    centre: Expr
    reported: bool = False  # asked for: recorded however many groups there are


@dataclass(frozen=True, kw_only=True)
class Deviations(_Node):
    """The group-specific deviations at one level, of one target or of several jointly.

    dev = sd * z, z ~ normal(0, 1) independent over groups, correlated across the shares by
    ``correlation``: None (independent); the name of a scalar quantity (two shares); or the name of
    a ``Correlation`` node (three or more, or along the one axis of a single share).
    Each share's deviation is a quantity of domain (level, *axes). ``name`` is that of the node,
    not of a result. ``apart``: the model asks for deviations, so that no pass centres them.
    """

    level: str
    shares: tuple[Share, ...]
    correlation: str | None = None
    centred: bool = False
    apart: bool = False


@dataclass(frozen=True, kw_only=True)
class Correlation(_Node):
    """A correlation matrix with an lkj prior. ``between``: coefficients; or ``axis`` of one.

    ``pairs`` names each scalar result `cor(a, b)`, with the two positions.
    """

    concentration: Expr
    between: tuple[str, ...] = ()
    axis: str | None = None
    pairs: tuple[tuple[str, int, int], ...] = ()
    rule: str | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome(_Node):
    """A likelihood term: data ``name`` has the distribution, over its own domain.

    ``imputed``: of a predictor, whose missing values are parameters; ``rule`` is set where its
    distribution is a default.
    """

    distribution: Distribution
    transform: Transform | None = None
    imputed: bool = False
    rule: str | None = None


@dataclass(frozen=True)
class Part:
    """A term of a coefficient at one level, for pictures, equations and passes."""

    level: str
    deviation: str
    sd: str
    slopes: tuple[tuple[str, Expr], ...] = ()  # (name of the slope quantity, predictor)


@dataclass(frozen=True)
class Coefficient:
    """What a coefficient statement said of one target; its quantities are nodes of the model.

    ``name`` is the total; ``scale_name`` the name on the link scale (`log(sigma)`), equal to
    ``name`` without a link. ``mean`` is None for `0 + …`. ``crossed``: its levels are no chain of
    which each lies in the one before, so that it is a sum of parts around zero.
    """

    name: str
    scale_name: str
    transform: Transform | None
    axes: Domain
    mean: str | None
    parts: tuple[Part, ...]
    domain: Domain
    crossed: bool
    span: Span = field(default=NOWHERE, compare=False, repr=False)


Node = Data | Parameter | Definition | Deviations | Correlation | Outcome


@dataclass(frozen=True)
class Model:
    """A checked model. ``nodes`` are in an order in which each uses only earlier ones."""

    title: str | None
    levels: Mapping[str, Level]  # parents before children; "row" last
    nodes: tuple[Node, ...]
    coefficients: tuple[Coefficient, ...]
    source: Source = field(compare=False, repr=False)

    @cached_property
    def by_name(self) -> Mapping[str, Node]:
        """Every quantity by its name; a deviation's name leads to its ``Deviations`` node."""
        table: dict[str, Node] = {}
        for node in self.nodes:
            if isinstance(node, Deviations):
                table |= {share.deviation: node for share in node.shares}
            elif isinstance(node, Correlation):
                table |= {name: node for name, _, _ in node.pairs} | {node.name: node}
            elif not isinstance(node, Outcome):
                table[node.name] = node
        return table

    @cached_property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The likelihood terms, in source order, those of imputed predictors left out."""
        return tuple(n for n in self.likelihoods if not n.imputed)

    @cached_property
    def likelihoods(self) -> tuple[Outcome, ...]:
        """All likelihood terms, in source order."""
        return tuple(n for n in self.nodes if isinstance(n, Outcome))

    def ancestors(self, level: str) -> frozenset[str]:
        """All levels that a level is nested in; for the rows, every level of a column."""
        above: set[str] = set()
        for parent in self.levels[level].parents:
            above |= {parent, *self.ancestors(parent)}
        return frozenset(above)
