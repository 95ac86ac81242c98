"""Which quantities a node makes and which expressions it is made of.

The one place that walks the kinds of nodes for their parts; graphs, the verifier and pictures
read dependencies here.
"""

from collections.abc import Iterable, Iterator
from typing import assert_never

from hdsl.expr import (
    Aggregate,
    Apply,
    Block,
    Constant,
    Contraction,
    Domain,
    Expr,
    Label,
    Member,
    Summary,
    Value,
    parts,
)
from hdsl.families import FAMILIES, Categories, Role
from hdsl.ir.imputed import completed, missing
from hdsl.ir.model import (
    Correlation,
    Data,
    Definition,
    Deviations,
    Distribution,
    Model,
    Node,
    Outcome,
    Parameter,
    Share,
)


def quantities(node: Node) -> tuple[str, ...]:
    """The names that a node adds to the model; an outcome adds none, its data did."""
    match node:
        case Data() | Parameter() | Definition():
            return (node.name,)
        case Deviations(shares=shares):
            return tuple(share.deviation for share in shares)
        case Correlation(pairs=pairs):
            return tuple(dict.fromkeys((node.name, *(name for name, _, _ in pairs))))
        case Outcome():
            return ()
        case _:
            assert_never(node)


def expressions(node: Node) -> tuple[tuple[str, Expr], ...]:
    """Everything a node is computed from, with its role: an argument's name, or ``expression``."""
    match node:
        case Data(expr=expr):
            return (("expression", expr),) if expr is not None else ()
        case Parameter(distribution=distribution, pinned=pinned):
            return (*arguments(distribution), *(("pinned", value) for _, value in pinned))
        case Definition(expr=expr):
            return (("expression", expr),)
        case Deviations(shares=shares):
            return tuple(use for share in shares for use in share_expressions(node, share))
        case Correlation(concentration=concentration):
            return (("concentration", concentration),)
        case Outcome(distribution=distribution):
            return arguments(distribution)
        case _:
            assert_never(node)


def arguments(distribution: Distribution) -> tuple[tuple[str, Expr], ...]:
    """The arguments of a distribution and of those that it wraps."""
    below = (each for inner in distribution.inner for each in arguments(inner))
    return (*distribution.arguments, *below)


def argument_domain(distribution: Distribution, name: str, domain: Domain) -> Domain:
    """Over what an argument may vary, where the distribution is of a quantity over ``domain``.

    That of a distribution of labels has a value for each label besides; cut points have nothing
    else, for they are the same everywhere.
    """
    family = FAMILIES.get(distribution.family)
    axis = distribution.along
    if family is None or family.categories is None or axis is None:
        return inner_domain(distribution, domain)
    if any(p.name == name and p.role is Role.CUTS for p in family.parameters):
        return (axis,)
    return (*domain, axis) if family.categories is Categories.UNORDERED else domain


def inner_domain(distribution: Distribution, domain: Domain) -> Domain:
    """Over what a distribution inside another may vary: a mixture's, over its components too."""
    if distribution.inner and distribution.along is not None:
        return (*domain, distribution.along)
    return domain


def label_axes(distribution: Distribution) -> Domain:
    """The axes of labels along which a distribution, or one that it wraps, has arguments."""
    family = FAMILIES.get(distribution.family)
    labelled = family is not None and family.categories is not None
    own = (distribution.along,) if labelled and distribution.along is not None else ()
    return (*own, *(axis for inner in distribution.inner for axis in label_axes(inner)))


def share_expressions(node: Deviations, share: Share) -> tuple[tuple[str, Expr], ...]:
    """What one target's deviations depend on: their sd and correlation (never their centre)."""
    sd: tuple[str, Expr] = ("sd", Value(share.sd))
    if node.correlation is None:
        return (sd,)
    return (sd, ("correlation", Value(node.correlation)))


def values(expr: Expr) -> tuple[str, ...]:
    """The quantities whose values an expression uses, each once; summaries of data are not."""
    return tuple(dict.fromkeys(_values(expr)))


def learned_from(expr: Expr) -> tuple[str, ...]:
    """The data that an expression uses only through numbers learned from them (``sd(log_q)``)."""
    return tuple(dict.fromkeys(_summarised(expr)))


def imputed_parts(model: Model) -> frozenset[str]:
    """The missing values and the completed column of every imputed one, which tells of both."""
    names = [node.name for node in model.likelihoods if node.imputed]
    return frozenset(part for name in names for part in (missing(name), completed(name)))


def outcome_data(model: Model) -> frozenset[str]:
    """The outcomes and the data that they are made of: they may be missing."""
    return _with_makings(model, (outcome.name for outcome in model.outcomes))


def predictor_data(model: Model) -> frozenset[str]:
    """The data that must be known wherever the model is to predict, and what they are made of."""
    outcomes = outcome_data(model)
    found: set[str] = set()
    for node in model.nodes:
        if not isinstance(node, Data):
            for _, expr in expressions(node):
                found |= {*values(expr), *(set(learned_from(expr)) - outcomes)}
    return _with_makings(model, found)


def _with_makings(model: Model, pending: Iterable[str]) -> frozenset[str]:
    """The data among some quantities, with all data that these are derived from."""
    left, found = list(pending), set[str]()
    while left:
        name = left.pop()
        node = model.by_name.get(name)
        if name not in found and isinstance(node, Data):
            found.add(name)
            left += values(node.expr) if node.expr is not None else ()
    return frozenset(found)


def _values(expr: Expr) -> Iterator[str]:
    match expr:
        case Value(name=name):
            yield name
        case Member(of=of):
            yield from _values(of)
        case Apply() | Block() | Contraction() | Aggregate():
            for part in parts(expr):
                yield from _values(part)
        case Constant() | Label() | Summary():
            pass
        case _:
            assert_never(expr)


def _summarised(expr: Expr) -> Iterator[str]:
    match expr:
        case Summary(argument=argument):
            yield from _values(argument)
            yield from _summarised(argument)
        case Member(of=of):
            yield from _summarised(of)
        case Apply() | Block() | Contraction() | Aggregate():
            for part in parts(expr):
                yield from _summarised(part)
        case Constant() | Label() | Value():
            pass
        case _:
            assert_never(expr)
