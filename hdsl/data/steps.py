"""The groups of an ordered level that lie between the end of training and a new one.

A walk has a step from each group to the next. Where training was evenly spaced (every week, every
month) the groups that nobody asked for have their steps as well.
"""

import datetime
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

MOST = 100_000
"""Nothing is filled in further ahead."""


@dataclass(frozen=True)
class _Scale:
    """Labels as whole numbers, and back."""

    place: Callable[[str], int]
    label: Callable[[int], str]


def between(known: Sequence[str], new: Sequence[str]) -> tuple[str, ...] | None:
    """The labels between the last known one and the furthest new one, the new ones among them, in
    order; None where training was not evenly spaced, or the new ones are not on its grid.

    >>> between(["1", "2", "3"], ["6"])
    ('4', '5', '6')
    >>> between(["2024-11", "2024-12"], ["2025-02"]), between(["1", "2", "5"], ["7"])
    (('2025-01', '2025-02'), None)
    """
    for scale in _scales(known):
        try:
            places = [scale.place(label) for label in known]
            ahead = [scale.place(label) for label in new]
        except ValueError:
            continue
        steps = {after - before for before, after in pairwise(places)}
        if len(steps) != 1 or min(steps) <= 0 or not ahead:
            continue
        step, last = steps.pop(), places[-1]
        steps_ahead = [(place - last) // step for place in ahead]
        if any((place - last) % step or place <= last for place in ahead):
            continue
        if max(steps_ahead) > MOST:
            return None
        found = tuple(scale.label(last + step * i) for i in range(1, max(steps_ahead) + 1))
        if set(new) <= set(found):
            return found
    return None


def _scales(known: Sequence[str]) -> tuple[_Scale, ...]:
    padded = {len(label) for label in known} if any(k[:1] == "0" for k in known) else {0}
    width = padded.pop() if len(padded) == 1 else 0
    day = known[0][8:10] if known else ""
    return (
        _Scale(_whole, lambda n: str(n).zfill(width)),
        _Scale(_month, _month_label),
        _Scale(_date, lambda n: datetime.date.fromordinal(n).isoformat()),
        _Scale(lambda text: _month_of_day(text, day), lambda n: f"{_month_label(n)}-{day}"),
    )


def _whole(label: str) -> int:
    if re.fullmatch(r"-?\d+", label) is None:
        raise ValueError(label)
    return int(label)


def _month(label: str) -> int:
    found = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", label)
    if found is None:
        raise ValueError(label)
    return 12 * int(found[1]) + int(found[2]) - 1


def _month_label(months: int) -> str:
    return f"{months // 12:04d}-{months % 12 + 1:02d}"


def _date(label: str) -> int:
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", label) is None:
        raise ValueError(label)
    return datetime.date.fromisoformat(label).toordinal()


def _month_of_day(label: str, day: str) -> int:
    """The month of a date, where all dates are of the same day of a month."""
    _date(label)
    if label[8:] != day:
        raise ValueError(label)
    return _month(label[:7])
