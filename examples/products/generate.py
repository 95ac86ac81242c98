"""Simulate the sales of many products whose elasticities differ, and write the data and the truth.

Without arguments: the small data set of this folder. `--products 4100 --into DIR` makes the
two-minute version (about 1,000 products that sell), `--products 47000` the full one (11,389
products, 1.14 million rows).
"""

import argparse
import csv
import json
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
CATEGORIES, WEEKS = 10, 100
SMALL, LEAST = 160, 100  # products of the small data set; units in all below which one is left out


def simulate(products: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    """Elasticities (category, product), prices and units (product, week) of all products."""
    of_category = np.clip(random.normal(-2, 0.5, CATEGORIES), -5, -0.1)
    category = np.arange(products) % CATEGORIES
    elasticity = np.clip(random.normal(of_category[category], 0.3), -5, -0.1)
    changes = 1 + random.uniform(-0.1, 0.1, (products, WEEKS))
    changes[random.random((products, WEEKS)) < 0.5] = 1.0
    changes[:, 0] = 1.0
    price = random.uniform(10, 1000, products)[:, None] * changes.cumprod(axis=1)
    drift = random.normal(0, 0.03, (CATEGORIES, WEEKS)).cumsum(axis=1)
    base = random.uniform(1000, 10_000, CATEGORIES)[:, None] * np.exp(drift)
    size = random.lognormal(0, 0.5, products)
    noise = random.uniform(0.95, 1.05, (products, WEEKS))
    mu = base[category] * size[:, None] * price ** elasticity[:, None] * noise
    return {
        "category": category,
        "elasticity": elasticity,
        "price": price.round(2),
        "units": random.poisson(mu),
    }


def write(products: int, folder: Path, seed: int) -> None:
    """Write `products.csv` and `truth.json` of the products that sell into a folder."""
    made = simulate(products, np.random.default_rng(seed))
    kept = np.flatnonzero(made["units"].sum(axis=1) > LEAST)
    letters = [f"category {chr(65 + number)}" for number in range(CATEGORIES)]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "products.csv").open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["category", "product", "week", "price", "units"])
        for product in kept:
            head = letters[made["category"][product]], product + 1
            prices, units = made["price"][product].tolist(), made["units"][product].tolist()
            table.writerows(
                (*head, week, price, sold)
                for week, (price, sold) in enumerate(zip(prices, units, strict=True), 1)
            )
    beta, category = made["elasticity"], made["category"]
    means = {letters[c]: beta[kept][category[kept] == c].mean() for c in np.unique(category[kept])}
    truth = {  # of the products that are kept: those that sell are the less elastic ones
        "mean(beta)": round(float(np.mean(list(means.values()))), 3),
        "beta[category]": {name: round(float(value), 3) for name, value in means.items()},
        "beta": {str(p + 1): round(float(beta[p]), 3) for p in kept},
    }
    for name in ("truth.json", "learned_truth.json"):
        (folder / name).write_text(json.dumps(truth, indent=2) + "\n")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--products", type=int, default=SMALL, help="before the sparse ones go")
    options.add_argument("--into", type=Path, default=HERE, help="the folder to write to")
    options.add_argument("--seed", type=int, default=15)
    asked = options.parse_args()
    write(asked.products, asked.into, asked.seed)


if __name__ == "__main__":
    main()
