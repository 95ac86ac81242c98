"""Gathers against a loop that looks every element up by itself."""

from itertools import permutations, product

import numpy as np
import pytest

from hdsl.backends.expressions import write
from hdsl.backends.gather import gather
from hdsl.backends.program import Variable
from hdsl.families.functions import Library
from hdsl.ir.model import Level, LevelKind

LEVELS = {
    level.name: level
    for level in (
        Level("country", LevelKind.COLUMN),
        Level("market", LevelKind.COLUMN, parents=("country",)),
        Level("store", LevelKind.COLUMN, parents=("market",)),
        Level("season", LevelKind.COLUMN),
        Level("week", LevelKind.COLUMN, parents=("season",)),
        Level("effect", LevelKind.FIXED),
        Level("row", LevelKind.ROW, parents=("store", "week")),
    )
}
SIZES = {"country": 2, "market": 3, "store": 5, "season": 2, "week": 4, "effect": 3, "row": 20}


def maps() -> dict[tuple[str, str], np.ndarray]:
    draw = np.random.default_rng(0)
    up = {
        (parent, level.name): draw.integers(0, SIZES[parent], SIZES[level.name])
        for level in LEVELS.values()
        for parent in level.parents
    }
    up["country", "store"] = up["country", "market"][up["market", "store"]]
    for level, parent in (("market", "store"), ("season", "week")):
        up[level, "row"] = up[level, parent][up[parent, "row"]]
    up["country", "row"] = up["country", "market"][up["market", "row"]]
    return up | {(level, level): np.arange(size) for level, size in SIZES.items()}


MAPS = maps()
DOMAINS = [
    domain
    for count in (1, 2, 3)
    for domain in permutations(("country", "market", "season", "week", "effect"), count)
]
USES = [
    *permutations(("store", "week", "effect"), 3),
    *permutations(("store", "week"), 2),
    *permutations(("market", "week"), 2),
    ("store",),
    ("week",),
    ("row",),
]


def reached(level: str, use: tuple[str, ...]) -> list[str]:
    return [fine for fine in use if (level, fine) in MAPS]


CASES = [
    (domain, use)
    for domain, use in product(DOMAINS, USES)
    if all(len(reached(level, use)) == 1 for level in domain)
]


@pytest.mark.parametrize("use", USES)
def test_every_element_is_the_one_looked_up(use):
    domains = [domain for domain, other in CASES if other == use]
    assert domains
    for domain in domains:
        compare(domain, use)


def compare(domain: tuple[str, ...], use: tuple[str, ...]) -> None:
    value = np.random.default_rng(1).normal(size=[SIZES[level] for level in domain])
    term = gather(Variable("value"), domain, use, LEVELS, lambda a, b: f"{a}_of_{b}")
    known = {f"{coarse}_of_{fine}": index for (coarse, fine), index in MAPS.items()}
    found = eval(write(term, Library.NUMPY), {"value": value, **known})
    shape = [SIZES[level] for level in use]
    expected = np.empty(shape)
    for at in np.ndindex(*shape):
        place = tuple(
            MAPS[level, fine][at[use.index(fine)]]
            for level in domain
            for fine in reached(level, use)
        )
        expected[at] = value[place]
    assert np.array_equal(np.broadcast_to(found, shape), expected), (domain, use)


def written(domain: tuple[str, ...], use: tuple[str, ...]) -> str:
    term = gather(Variable("x"), domain, use, LEVELS, lambda a, b: f"{a}_of_{b}")
    return write(term, Library.NUMPY)


def test_they_read_as_one_would_write_them():
    assert written(("market",), ("row",)) == "x[market_of_row]"
    assert written(("market", "week"), ("row",)) == "x[market_of_row, week_of_row]"
    assert written(("market", "week"), ("store", "week")) == "x[market_of_store, :]"
    assert written(("market",), ("store", "week")) == "x[market_of_store][:, None]"
    assert written(("week",), ("store", "week")) == "x"
    assert written(("market", "season"), ("store", "week")) == (
        "x[market_of_store[:, None], season_of_week]"
    )
