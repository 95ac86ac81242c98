"""One set of rows that serves every golden model."""

from collections.abc import Mapping

import numpy as np

SIZE = 40


def rows() -> Mapping[str, np.ndarray]:
    """Columns by name; `income` is constant in a market, `category` and `age` in a store,
    `day` in a week."""
    draw = np.random.default_rng(1)
    market = draw.integers(0, 4, SIZE)
    store = draw.integers(0, 12, SIZE)
    return {
        "y": draw.normal(size=SIZE),
        "x": draw.normal(size=SIZE),
        "w": draw.uniform(1, 2, SIZE),
        "c": draw.poisson(3, SIZE),
        "b": draw.integers(0, 2, SIZE),
        "k": draw.integers(0, 6, SIZE),
        "n": np.full(SIZE, 6),
        "market": np.array([f"m{i}" for i in market]),
        "income": draw.normal(size=4)[market],
        "sub": np.array([f"s{i % 2}" for i in range(SIZE)]),  # the same two in every market
        "store": np.array([f"s{i}" for i in store]),
        "week": (week := draw.integers(1, 6, SIZE)),
        "category": np.array(["a", "b", "c"])[store % 3],
        "sex": np.array(["F", "M"])[draw.integers(0, 2, SIZE)],
        "age": (store * 5 % 12) / 4 - 1,
        "day": 7.0 * week - 3,
        "temperature": np.where(np.arange(SIZE) % 7 == 3, np.nan, np.sin(np.arange(SIZE))),
        "height": np.where(np.arange(SIZE) % 9 == 1, np.nan, 1.5 + np.cos(np.arange(SIZE))),
        "share": np.where(np.arange(SIZE) % 11 == 2, np.nan, 0.5 + 0.3 * np.cos(np.arange(SIZE))),
        "area": np.where(market == 2, np.nan, market + 1.0),
        "rating": np.array(["low", "mid", "high"])[np.arange(SIZE) * 7 % 3],
        "stars": np.arange(SIZE) * 3 % 5 + 1,
        "choice": np.array(["bus", "car", "foot", "train"])[np.arange(SIZE) * 5 % 4],
    }
