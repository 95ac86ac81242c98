"""How the results hold outcomes that are labels: by numbers, with the labels beside them.

A model computes with the place of a label, from 0. Where every label is a number (``1``, ``2``, …)
the results hold that number; else the place. The labels stand in the attribute ``labels``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hdsl.fit.draws import Numbers


def labels_of(learned: Mapping[str, Any], outcome: str) -> tuple[str, ...] | None:
    """The labels of an outcome by their codes, as the training data had them; None of a number."""
    found = learned.get(f"categories of {outcome}")
    return None if found is None else tuple(found)


def from_codes(labels: Sequence[str], codes: Numbers) -> Numbers:
    """What the results hold of some codes; not a number where the code is none.

    >>> from_codes(("1", "3", "5"), np.array([0, 2])).tolist()
    [1.0, 5.0]
    """
    numbers = _numbers(labels)
    known = np.isfinite(codes)
    places = np.where(known, codes, 0).astype(int)
    return np.where(known, np.asarray(numbers)[places], np.nan)


def to_labels(labels: Sequence[str], values: Numbers) -> list[str]:
    """The labels that some values of the results stand for, "" where a value is missing.

    >>> to_labels(("low", "mid", "high"), np.array([2.0, 0.0]))
    ['high', 'low']
    """
    label = dict(zip(_numbers(labels), labels, strict=True))
    return [label.get(float(value), "") for value in np.ravel(values)]


def label_statistics(outcome: str, labels: Sequence[str], drawn: Numbers) -> dict[str, Numbers]:
    """The likeliest label of each row and the probability of each label, over draws (draw, row).

    >>> found = label_statistics("y", ("low", "high"), np.array([[0.0], [1.0], [1.0], [1.0]]))
    >>> found["y_label"].tolist(), found["y_p_low"].tolist(), found["y_p_high"].tolist()
    (['high'], [0.25], [0.75])
    """
    numbers = _numbers(labels)
    shares = np.array([(drawn == number).mean(axis=0) for number in numbers])
    best = np.array(labels, dtype=object)[shares.argmax(axis=0)]
    columns = {f"{outcome}_p_{label}": shares[i] for i, label in enumerate(labels)}
    return {f"{outcome}_label": best, **columns}


def are_numbers(labels: Sequence[str]) -> bool:
    """Whether every label is a number, so that the results hold that number.

    >>> are_numbers(("1", "2.5")), are_numbers(("1", "low"))
    (True, False)
    """
    try:
        [float(label) for label in labels]
    except ValueError:
        return False
    return True


def _numbers(labels: Sequence[str]) -> list[float]:
    if are_numbers(labels):
        return [float(label) for label in labels]
    return [float(place) for place in range(len(labels))]
