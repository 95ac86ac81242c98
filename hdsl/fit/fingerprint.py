"""Tells two data sets, or two texts, apart without keeping either."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np


def fingerprint(rows: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> str:
    """A digest of the columns that a model reads; the order of the columns is of no account.

    >>> one, same = {"x": [1.0, 2.0], "g": ["a", "b"]}, {"g": ["a", "b"], "x": [1.0, 2.0]}
    >>> fingerprint(one, {}) == fingerprint(same, {}) != fingerprint({"x": [1.0, 3.0]}, {})
    True
    """
    digest = hashlib.sha256()
    for place, table in [("", rows), *sorted(tables.items())]:
        for name in sorted(table):
            digest.update(repr((place, name)).encode())
            values = np.asarray(table[name])
            if values.dtype.kind in "fiub":
                digest.update(np.ascontiguousarray(values).tobytes())
            else:
                digest.update("\0".join(map(repr, values.tolist())).encode())
    return digest.hexdigest()


def fingerprint_of_text(text: str) -> str:
    """A digest of a text.

    >>> fingerprint_of_text("a") != fingerprint_of_text("b")
    True
    """
    return hashlib.sha256(text.encode()).hexdigest()
