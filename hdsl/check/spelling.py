"""Near spellings: what a misspelt name was probably meant to be."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that a name is most likely a misspelling of, or None."""
    pool = {candidate.casefold(): candidate for candidate in candidates}
    for candidate in pool:
        if len(candidate) > 2 and _one_slip(name.casefold(), candidate) is not None:
            return pool[candidate]
    found = get_close_matches(name.casefold(), pool, n=1, cutoff=0.7)
    return pool[found[0]] if found else None


def is_slip(name: str, other: str) -> bool:
    """Whether two names differ by one slip of the finger and hardly by intention.

    `sigma1` and `sigma2`, `tau_a` and `tau_b` are names of a series, not slips.

    >>> is_slip("sgima", "sigma"), is_slip("sigma_a", "sigma_b"), is_slip("nu", "mu")
    (True, False, False)
    """
    if name == other or min(len(name), len(other)) < 4:
        return False
    slip = _one_slip(name, other)
    if slip is None or any(c.isdigit() or c == "_" for c in slip):
        return False
    last = {name.rpartition("_")[2], other.rpartition("_")[2]}
    return not ("_" in name and "_" in other and any(len(token) == 1 for token in last))


class Slips:
    """Names, to be found again in spite of one slip of the finger, however many there are.

    >>> Slips(["sigma", "tau"]).of("sgima")
    'sigma'
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._by_rest: dict[str, list[str]] = {}
        for name in names:
            self.add(name)

    def add(self, name: str) -> None:
        """Make a name known."""
        for rest in self._rests(name):
            self._by_rest.setdefault(rest, []).append(name)

    def of(self, name: str) -> str | None:
        """A name that differs from this one by a slip, None where there is none."""
        others = (other for rest in self._rests(name) for other in self._by_rest.get(rest, ()))
        return next((other for other in others if is_slip(name, other)), None)

    def _rests(self, name: str) -> tuple[str, ...]:
        """What is left without one letter: two names a slip apart have a rest in common."""
        if len(name) > _LONGEST:
            return ()
        return (name, *(name[:i] + name[i + 1 :] for i in range(len(name))))


_LONGEST = 100


def _one_slip(name: str, other: str) -> str | None:
    """The characters in which two names differ, if by one letter or by two that are swapped."""
    start = 0
    while start < min(len(name), len(other)) and name[start] == other[start]:
        start += 1
    end = 0
    while end < min(len(name), len(other)) - start and name[-1 - end] == other[-1 - end]:
        end += 1
    here, there = name[start : len(name) - end], other[start : len(other) - end]
    swapped = len(here) == len(there) == 2 and here == there[::-1]
    return here + there if swapped or max(len(here), len(there)) <= 1 else None


def quoted(names: Iterable[str]) -> str:
    """Names as a reader's list: `a`, `b` and `c`."""
    words = [f"`{name}`" for name in names]
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
