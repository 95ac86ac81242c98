"""Draws of single cells of a distribution over many groups, each cell by a key of its own.

What is drawn for a group depends on its own name and on the distribution there, never on which
other groups there are or on their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from numpyro.distributions.transforms import AbsTransform, ExpTransform

from hdsl.fit.draws import Numbers

type Cells = tuple[Any, ...]  # an index array for each batch axis
type Unseen = Literal["draw", "mean"]

ELEMENTWISE = (AbsTransform, ExpTransform)


def keys_of(key: Any, hashes: Sequence[Any]) -> Any:
    """A key for each cell: the key folded with what the cell is called on every axis.

    ``hashes`` are (cell, 2) for each axis.
    """
    count = hashes[0].shape[0]
    keys = jnp.broadcast_to(key, (count, *jnp.shape(key)))
    for axis in hashes:
        for half in (0, 1):
            keys = jax.vmap(jax.random.fold_in)(keys, jnp.asarray(axis)[:, half])
    return keys


def draw_cells(law: Any, cells: Cells, keys: Any, unseen: Unseen) -> Any:
    """Values of the cells, (cell, *event): drawn, or what is expected of them."""
    match law:
        case dist.ExpandedDistribution():
            return draw_cells(law.base_dist, _inside(law.base_dist, cells), keys, unseen)
        case dist.Independent() if not law.event_shape:
            return draw_cells(law.base_dist, cells, keys, unseen)
        case dist.Normal():
            mean = _at(law.loc, law, cells, keys)
            if unseen == "mean":
                return mean
            return mean + _at(law.scale, law, cells, keys) * jax.vmap(jax.random.normal)(keys)
        case dist.MultivariateNormal():
            return _joint(law, cells, keys, unseen)
    if unseen == "mean":
        return _expected(law, cells, keys)
    return _drawn(law, cells, keys)


def _inside(base: Any, cells: Cells) -> Cells:
    """The cells of a distribution that was expanded, as those of what it was before."""
    size = len(base.batch_shape)
    own = cells[len(cells) - size :]
    return tuple(
        np.zeros_like(index) if length == 1 else index
        for index, length in zip(own, base.batch_shape, strict=True)
    )


def _at(argument: Any, law: Any, cells: Cells, keys: Any) -> Any:
    """An argument of a distribution at its cells."""
    if not law.batch_shape:
        return jnp.broadcast_to(argument, (keys.shape[0],))
    return jnp.broadcast_to(argument, law.batch_shape)[cells]


def _joint(law: Any, cells: Cells, keys: Any, unseen: Unseen) -> Any:
    size = law.event_shape[0]
    mean = jnp.broadcast_to(law.loc, (*law.batch_shape, size))[cells]
    mean = jnp.broadcast_to(mean, (keys.shape[0], size))
    if unseen == "mean":
        return mean
    noise = jax.vmap(lambda key: jax.random.normal(key, (size,)))(keys)
    factor = jnp.broadcast_to(law.scale_tril, (*law.batch_shape, size, size))[cells]
    return mean + jnp.einsum("...ij,...j->...i", factor, noise)


def _drawn(law: Any, cells: Cells, keys: Any) -> Any:
    """Draws of any other distribution: of its kind with each cell's arguments where that can be
    made, else by its quantiles, else cell by cell out of all cells.
    """
    count = keys.shape[0]
    if _is_elementwise(law):
        value = draw_cells(law.base_dist, cells, keys, "draw")
        for transform in law.transforms:
            value = transform(value)
        return value
    found = _rebuilt(law, cells, keys)
    if found is not None:
        return found
    if not law.event_shape:
        levels = jax.vmap(jax.random.uniform)(keys)
        whole = jnp.full(law.batch_shape, 0.5).at[cells].set(levels) if cells else levels
        try:
            found = law.icdf(whole)
            return found[cells] if cells else jnp.broadcast_to(found, (count,))
        except (NotImplementedError, ImportError):  # some quantiles need TensorFlow's package
            pass
    if not cells:
        return jax.vmap(law.sample)(keys)
    return jax.lax.map(lambda one: law.sample(one[0])[tuple(one[1])], (keys, jnp.stack(cells, 1)))


def _is_elementwise(law: Any) -> bool:
    """Whether a value is a plain function of a value of another distribution, cell by cell."""
    return (
        isinstance(law, dist.TransformedDistribution)
        and not law.event_shape
        and all(isinstance(transform, ELEMENTWISE) for transform in law.transforms)
    )


def _rebuilt(law: Any, cells: Cells, keys: Any) -> Any:
    """Draws of the same kind of distribution with each cell's own arguments; None where these
    cannot be told.
    """
    constraints = getattr(type(law), "arg_constraints", None)
    if law.event_shape or not isinstance(constraints, dict) or not constraints:
        return None
    if any(c.event_dim or not hasattr(law, name) for name, c in constraints.items()):
        return None
    own = {name: _at(getattr(law, name), law, cells, keys) for name in constraints}
    try:
        return jax.vmap(lambda key, given: type(law)(**given).sample(key))(keys, own)
    except TypeError:  # it is not made of these arguments alone
        return None


def _expected(law: Any, cells: Cells, keys: Any) -> Any:
    """The mean, or the median of what has none."""
    shape = (*law.batch_shape, *law.event_shape)
    try:
        centre = law.mean
    except NotImplementedError:
        centre = law.icdf(jnp.full(shape, 0.5))
    return jnp.broadcast_to(
        jnp.broadcast_to(centre, shape)[cells], (keys.shape[0], *law.event_shape)
    )


def hashed(text: str) -> Numbers:
    """Two numbers of 32 bits for a text, the same everywhere and always."""
    from hashlib import blake2b

    digest = blake2b(text.encode(), digest_size=8).digest()
    return np.frombuffer(digest, dtype=np.uint32).copy()
