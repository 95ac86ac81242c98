"""A number for every row that depends on what the row says and not on where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

import numpy as np

from hdsl.fit.draws import Numbers


def row_hashes(columns: Mapping[str, Numbers], rows: int) -> Numbers:
    """Two numbers of 32 bits for each row, (row, 2); rows that say the same are told apart.

    >>> one = row_hashes({"x": np.array([1.0, 2.0, 1.0])}, 3)
    >>> np.array_equal(one[[1, 0, 2]], row_hashes({"x": np.array([2.0, 1.0, 1.0])}, 3))
    True
    """
    found = np.zeros(rows, dtype=np.uint64)
    for name in sorted(columns):
        found = _mixed(found ^ _mixed(_numbers(np.asarray(columns[name])) + _text(name)))
    found = _mixed(found + _occurrence(found))
    return np.ascontiguousarray(found).view(np.uint32).reshape(-1, 2)


def _numbers(values: Numbers) -> Numbers:
    if values.dtype.kind in "fiub":
        return (values.astype(float) + 0.0).view(np.uint64)  # minus zero is zero
    texts = [str(value) for value in values.tolist()]
    by_text = {text: _text(text) for text in set(texts)}
    return np.array([by_text[text] for text in texts], dtype=np.uint64)


def _text(text: str) -> np.uint64:
    return np.uint64(int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little"))


def _mixed(values: Numbers) -> Numbers:
    """The numbers with their bits stirred, as splitmix64 does."""
    with np.errstate(over="ignore"):
        values = values + np.uint64(0x9E3779B97F4A7C15)
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    stirred: Numbers = values ^ (values >> np.uint64(31))
    return stirred


def _occurrence(values: Numbers) -> Numbers:
    """How often each value has stood before."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    lengths = np.diff(np.r_[starts, len(values)])
    found = np.empty(len(values), dtype=np.uint64)
    found[order] = (np.arange(len(values)) - np.repeat(starts, lengths)).astype(np.uint64)
    return found
