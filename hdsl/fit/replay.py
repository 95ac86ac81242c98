"""A model run again on other rows, with every site set to what a run has drawn of it.

The generated NumPyro file knows nothing of this: sites are replaced while it runs. A site over a
level has the run's values for the groups that the run knows, and fresh ones, given all that stands
above them in the model, for the groups that it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zlib import crc32

import jax
import jax.numpy as jnp
import numpy as np
from numpyro import handlers

from hdsl.data.training import Training
from hdsl.fit.draws import Numbers
from hdsl.fit.failure import failure
from hdsl.fit.new_cells import Unseen, draw_cells, hashed, keys_of
from hdsl.fit.numpyro_sampler import Model

if TYPE_CHECKING:
    from hdsl.backends import Generated


type Given = Callable[[Any, tuple[Numbers, ...], Callable[[], Any]], Any]


@dataclass(frozen=True)
class Members:
    """The members of an axis: the place of each in the run, -1 where the run has none of it;
    ``hashes`` (member, 2) stand for their names.
    """

    source: Numbers
    hashes: Any

    @property
    def is_same(self) -> bool:
        """Whether no member is new."""
        return bool((self.source >= 0).all())

    @property
    def stays(self) -> bool:
        """Whether the members are the first ones of the run, in their places."""
        return np.array_equal(self.source, np.arange(len(self.source)))


@dataclass(frozen=True)
class Replay:
    """What is needed to run a model again. ``members`` are those of every level and axis whose
    members may be others than in the run; ``axes`` names the axes of each site.
    """

    model: Model
    axes: Mapping[str, tuple[str, ...]]
    members: Mapping[str, Members]
    unseen: Unseen = "draw"

    def trace(
        self,
        data: Mapping[str, Any],
        values: Mapping[str, Any],
        key: Any,
        members: Mapping[str, Members] | None = None,
        given: Mapping[str, Given] | None = None,
    ) -> Any:
        """The trace of the model for one draw. ``given`` makes the values of new cells, by site: of
        the distribution, the cells, and a function of the fresh values that they would have.
        """
        own = {**self.members, **(members or {})}

        def place(site: dict[str, Any]) -> Any:
            if site["type"] != "sample" or site["is_observed"]:
                return None
            return self._value(site, values, key, own, given or {})

        return handlers.trace(handlers.substitute(self.model, substitute_fn=place)).get_trace(data)

    def _value(
        self,
        site: Mapping[str, Any],
        values: Mapping[str, Any],
        key: Any,
        members: Mapping[str, Members],
        given: Mapping[str, Given],
    ) -> Any:
        """The value of a site: the run's where it has one, else what is given, else fresh."""
        name, law = site["name"], site["fn"]
        known = values.get(name)
        found = self._members(name, law, members)
        if known is None:
            if all(axis.is_same for axis in found):
                raise _strange(name)
            full = jnp.zeros(law.shape())
        elif known.shape == law.shape() and all(axis.stays for axis in found):
            return known
        else:
            if known.shape[len(found) :] != tuple(law.event_shape):
                raise _strange(name)
            full = jnp.zeros(law.shape())
            full = full.at[np.ix_(*(np.flatnonzero(a.source >= 0) for a in found))].set(
                known[np.ix_(*(a.source[a.source >= 0] for a in found))]
            )
        cells = new_cells(found)
        if not len(cells[0]):
            return full

        def fresh() -> Any:
            own = jax.random.fold_in(key, crc32(name.encode()))
            hashes = [jnp.asarray(a.hashes)[i] for a, i in zip(found, cells, strict=True)]
            return draw_cells(law, cells, keys_of(own, hashes), self.unseen)

        return full.at[cells].set(given[name](law, cells, fresh) if name in given else fresh())

    def _members(self, name: str, law: Any, members: Mapping[str, Members]) -> list[Members]:
        """The members of a site's axes; those that one draw has all at once are to be the same."""
        shape, batch = law.shape(), len(law.batch_shape)
        found = [
            members.get(axis) or everything(shape[i]) for i, axis in enumerate(self.axes[name])
        ]
        if not all(axis.stays for axis in found[batch:]):
            raise failure(
                "H950", f"`{name}` cannot be carried to other groups: its members hang together"
            )
        return found[:batch]

    def cells(self, name: str, law: Any) -> tuple[Numbers, ...]:
        """The positions of a site's new cells."""
        return new_cells(self._members(name, law, self.members))


def new_cells(axes: list[Members]) -> tuple[Numbers, ...]:
    """The positions of the cells that have a new member on some axis."""
    known = np.ones((), dtype=bool)
    for axis in axes:
        known = known[..., None] & (axis.source >= 0)
    return np.nonzero(~known)


def everything(size: int) -> Members:
    """An axis all of whose members are known and in their old places."""
    places = np.arange(size)
    return Members(places, np.stack([places, places], axis=1).astype(np.uint32))


def _strange(name: str) -> Exception:
    return failure(
        "H950",
        f"the run has no draws of `{name}` that this version of HDSL can use",
        "fit the model again",
    )


def members_of(
    generated: Generated,
    data: Mapping[str, Any],
    training: Training,
    anew: Mapping[str, frozenset[str]] | None = None,
) -> dict[str, Members]:
    """The members of every axis that is not the same in every data set, that of the rows left out.

    Groups ``anew``, by level, count as new although the run knows them.
    """
    found: dict[str, Members] = {}
    for level, known in training.levels.items():
        labels = data["coords"].get(level)
        if labels is None:
            continue
        place = {label: i for i, label in enumerate(known.labels)}
        for label in (anew or {}).get(level, ()):
            place.pop(label, None)
        source = np.array([place.get(label, -1) for label in labels])
        paths = _paths(level, labels, generated, data, training)
        found[level] = Members(source, np.array([hashed(path) for path in paths]).reshape(-1, 2))
    for axis, parts in generated.free.items():
        if all(key in data for _, key in parts):
            found[axis] = _free(axis, parts, data, found)
    for axis, (column, level, key) in generated.imputed.items():
        found[axis] = _missing(column, level, np.asarray(data[key]), data, training)
    return found


def _missing(
    column: str, level: str, places: Numbers, data: Mapping[str, Any], training: Training
) -> Members:
    """The members of an imputed column's missing values: of the rows all are new, of a level those
    are known that were missing in training.
    """
    labels = [str(data["coords"][level][i]) for i in places]
    was: list[str] = []
    if level in training.levels:
        known = training.levels[level]
        values = known.data.get(column, ())
        was = [label for label, v in zip(known.labels, values, strict=False) if v is None]
    place = {label: i for i, label in enumerate(was)}
    hashes = np.array([hashed(f"{level}\0{label}") for label in labels], dtype=np.uint32)
    source = np.array([place.get(label, -1) for label in labels], dtype=np.int64)
    return Members(source, hashes.reshape(-1, 2))


def _paths(
    level: str,
    labels: list[str],
    generated: Generated,
    data: Mapping[str, Any],
    training: Training,
) -> list[str]:
    """What each group is called within its parents, whether its label names them or not."""
    paths = list(labels)
    of_row = np.asarray(data[generated.row_index[level]])
    first = np.full(len(labels), -1)
    first[of_row[::-1]] = np.arange(len(of_row))[::-1]
    parents = [p for p in training.levels[level].parents if p in generated.row_index]
    above = [
        np.array(data["coords"][p], dtype=object)[np.asarray(data[generated.row_index[p]])[first]]
        for p in parents
    ]
    for i, label in enumerate(labels):
        inside = ":".join(str(parent[i]) for parent in above)
        paths[i] = f"{inside}\0{label.removeprefix(f'{inside}:')}"
    return paths


def _free(
    axis: str,
    parts: tuple[tuple[str, str], ...],
    data: Mapping[str, Any],
    members: Mapping[str, Members],
) -> Members:
    """The members of a parameter that are not set to constants: its levels' free cells in order."""
    index = [np.asarray(data[key]) for _, key in parts]
    axes = [
        members[level] if level in members else everything(int(i.max()) + 1)
        for (level, _), i in zip(parts, index, strict=True)
    ]
    sources = np.stack([a.source[i] for a, i in zip(axes, index, strict=True)])
    known = (sources >= 0).all(axis=0)
    source = np.full(sources.shape[1], -1)
    order = np.lexsort(sources[::-1, known])
    source[np.flatnonzero(known)[order]] = np.arange(int(known.sum()))
    hashes = np.zeros((sources.shape[1], 2), dtype=np.uint32)
    for a, i in zip(axes, index, strict=True):
        hashes = hashes * np.uint32(31) + a.hashes[i]
    return Members(source, hashes)
