"""Gathers: how an array over one domain is read at another.

The only place that knows array axes. An index map is always at the length of the level at which the
value is used: a product's category is looked up by a product-long index, never by a row-long one.
"""

from collections.abc import Callable, Mapping

from hdsl.backends.program import Call, Gather, Term
from hdsl.check.domains import reaching
from hdsl.diagnostics.diagnostic import InternalError
from hdsl.expr import Domain
from hdsl.ir.model import Level

Lookup = Callable[[str, str], str]
"""Name of the array that holds, for every group of the second level, its group of the first."""


def gather(
    term: Term, domain: Domain, use: Domain, levels: Mapping[str, Level], lookup: Lookup
) -> Term:
    """The term, an array over ``domain``, so that it broadcasts over ``use``.

    >>> from hdsl.backends.program import Variable
    >>> from hdsl.ir.model import LevelKind
    >>> levels = {
    ...     "category": Level("category", LevelKind.COLUMN),
    ...     "product": Level("product", LevelKind.COLUMN, parents=("category",)),
    ...     "week": Level("week", LevelKind.COLUMN),
    ... }
    >>> lookup = "{}_of_{}".format
    >>> gather(Variable("season"), ("category", "week"), ("product", "week"), levels, lookup)
    Gather(of=Variable(name='season'), index=('category_of_product', ':'))
    """
    if not domain or domain == use:
        return term
    axes = tuple(use.index(_reached(level, use, levels)) for level in domain)
    if len(use) > 1 and len(set(axes)) == len(axes):
        if len(axes) == 2 and axes[0] > axes[1]:
            term, domain, axes = Call("transpose", (term,)), domain[::-1], axes[::-1]
        if axes == tuple(sorted(axes)):
            return _expanded(_orthogonal(term, domain, axes, use, lookup), axes, len(use))
    index = tuple(
        _along(lookup(level, use[axis]), axis, len(use))
        for level, axis in zip(domain, axes, strict=True)
    )
    return Gather(term, index)


def _reached(level: str, use: Domain, levels: Mapping[str, Level]) -> str:
    found = reaching(levels, use, level)
    if len(found) != 1:
        raise InternalError(f"level {level} is reached {len(found)} times from {use}")
    return found[0]


def _orthogonal(
    term: Term, domain: Domain, axes: tuple[int, ...], use: Domain, lookup: Lookup
) -> Term:
    """Each axis looked up by itself: slices where the level stays, index maps where it does not."""
    moved = [i for i, axis in enumerate(axes) if domain[i] != use[axis]]
    if len(moved) == len(domain) > 1:
        last = len(domain) - 1
        return Gather(
            term,
            tuple(_along(lookup(domain[i], use[axes[i]]), i, last + 1) for i in moved),
        )
    for i in moved:
        index = lookup(domain[i], use[axes[i]])
        term = Gather(term, (*[":"] * i, index, *[":"] * (len(domain) - 1 - i)))
    return term


def _expanded(term: Term, axes: tuple[int, ...], length: int) -> Term:
    """The term with an axis of length one for each level after its first that it lacks."""
    items = tuple(":" if axis in axes else "None" for axis in range(axes[0], length))
    return Gather(term, items) if "None" in items else term


def _along(index: str, axis: int, length: int) -> str:
    """An index map that runs along one of several axes."""
    trailing = length - 1 - axis
    return index if trailing == 0 else f"{index}[:{', None' * trailing}]"
