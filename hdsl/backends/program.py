"""The neutral program between a model and its Python source.

``lower`` writes it once; each backend only prints it, so that both sample the same sites. Every
name in it is already a Python identifier, every gather already in place.
"""

from dataclasses import dataclass
from typing import Literal

from hdsl.backends.namer import harmless
from hdsl.expr import Domain

# ---------------------------------------------------------------- terms


@dataclass(frozen=True)
class Number:
    """A number."""

    value: float


@dataclass(frozen=True)
class Text:
    """A label, to compare with."""

    text: str


@dataclass(frozen=True)
class Variable:
    """A Python variable."""

    name: str


@dataclass(frozen=True)
class Gather:
    """``of[index]``: each item is Python source (``region_of_row``, ``:``, ``None``)."""

    of: "Term"
    index: tuple[str, ...]


@dataclass(frozen=True)
class Call:
    """A function of the language, or one of the array functions of ``expressions``."""

    function: str
    arguments: tuple["Term", ...]


@dataclass(frozen=True)
class Kernel:
    """A call of a function that the file defines."""

    name: str
    arguments: tuple["Term", ...]


Term = Number | Text | Variable | Gather | Call | Kernel

# ---------------------------------------------------------------- distributions


@dataclass(frozen=True)
class Drawn:
    """A row of the families table with its arguments, by parameter or linked form.

    A wrapper holds what it wraps in ``inner``; ``along`` is the level of a mixture's components,
    ``value`` the variable that holds the value itself, where the distribution asks for it.
    """

    family: str
    arguments: tuple[tuple[str, Term], ...]
    inner: tuple["Drawn", ...] = ()
    along: str | None = None
    value: str | None = None


@dataclass(frozen=True)
class CholeskyLkj:
    """The Cholesky factor of a correlation matrix with an LKJ prior."""

    size: str  # Python source
    concentration: Term


@dataclass(frozen=True)
class JointNormal:
    """A multivariate normal along the last axis, by the Cholesky factor of its covariance."""

    location: Term
    factor: Term


@dataclass(frozen=True)
class Increasing:
    """Values in increasing order along the last axis, each with the density of one distribution."""

    each: Drawn
    sizes: tuple[str, ...]  # of every axis, Python source
    positive: bool = False


@dataclass(frozen=True)
class Scored:
    """A distribution of positive values that are sampled by their score, 0 at a typical value."""

    each: Drawn
    typical: Term


# ---------------------------------------------------------------- statements


@dataclass(frozen=True)
class Comment:
    """A comment; ``line`` is the line of the model file that it quotes."""

    text: str
    line: int | None = None


@dataclass(frozen=True)
class Load:
    """``log_p = data["log_p"]``."""

    target: str


@dataclass(frozen=True)
class Assign:
    """``mu = alpha[region_of_row] + …``, not kept in the results."""

    target: str
    value: Term


@dataclass(frozen=True)
class Record:
    """A deterministic quantity that the results keep."""

    target: str
    site: str
    value: Term
    domain: Domain


@dataclass(frozen=True)
class Sample:
    """A random quantity over a domain; its plates and dims follow from that.

    ``target`` is None where nothing uses its value. ``observed`` is the variable that holds the
    data, ``seen`` that of the rows where they are known. ``event`` is the length of a last axis
    that the distribution itself has (Python source).
    """

    target: str | None
    site: str
    distribution: Drawn | CholeskyLkj | JointNormal | Increasing | Scored
    domain: Domain
    observed: str | None = None
    seen: str | None = None
    event: str | None = None
    sizes: tuple[str, ...] | None = None  # plate sizes where they are not those of the levels
    along: str | None = None  # the level that a last axis of the distribution's own runs along


@dataclass(frozen=True)
class Factor:
    """A term of the log density that no distribution has."""

    site: str
    value: Term


@dataclass(frozen=True)
class Return:
    """The end of a function that gives something back."""

    value: Term


Statement = Comment | Load | Assign | Record | Sample | Factor | Return


@dataclass(frozen=True)
class Collapsed:
    """The functions of a file beside its model, that arrange it for sampling.

    ``condense`` makes ``made`` and hands on ``kept`` of the prepared data; ``body`` is that of
    ``collapsed``; ``recover`` draws what is integrated out: the values of ``recovered`` sites.
    """

    notes: tuple[str, ...]
    condense: tuple[Statement, ...]
    kept: tuple[str, ...]
    made: tuple[str, ...]
    body: tuple[Statement, ...]
    sizes: tuple[tuple[str, str], ...]
    recover: tuple[Statement, ...]
    recovered: tuple[tuple[str, Term], ...]
    condensed: bool  # an outcome's rows are not read any more


@dataclass(frozen=True)
class Line:
    """A line of `prepare`: its indent, its source, and the line of the model that it serves."""

    source: str
    line: int | None = None
    kind: Literal["code", "comment", "blank"] = "code"


@dataclass(frozen=True)
class Program:
    """A whole generated file, still without a backend."""

    title: str | None
    source_name: str
    notes: tuple[str, ...]  # lines of the docstring
    coords: tuple[tuple[str, tuple[str, ...]], ...]  # of levels with fixed members
    dims: tuple[tuple[str, Domain], ...]  # of every recorded quantity and outcome
    sizes: tuple[tuple[str, str], ...]  # level -> variable that holds its number of groups
    body: tuple[Statement, ...]
    prepare: tuple[Line, ...]
    helpers: tuple[str, ...]  # names of the helper functions that prepare calls
    collapsed: Collapsed | None = None

    @property
    def headline(self) -> str:
        """The first line of the model function's docstring, without its point."""
        title = (self.title or "").strip().removesuffix(".")
        return harmless(title).replace('"', "'") or f"The model of {self.source_name}"
