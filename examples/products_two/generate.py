"""Simulate two years of two products' weekly sales; write the data and the truth."""

import csv
import json
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
PRODUCTS, WEEKS = ("espresso", "filter"), 104
LEVEL, ELASTICITY, NOISE = (5.2, 4.6), (-1.3, -2.1), 0.25


def main() -> None:
    random = np.random.default_rng(8)
    with (HERE / "weeks.csv").open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["product", "week", "log_price", "log_units"])
        for product, level, elasticity in zip(PRODUCTS, LEVEL, ELASTICITY, strict=True):
            log_price = random.normal(0, 0.15, WEEKS).round(4)
            log_units = random.normal(level + elasticity * log_price, NOISE).round(4)
            for week, (price, units) in enumerate(zip(log_price, log_units, strict=True), 1):
                table.writerow([product, week, price.item(), units.item()])
    truth = {
        "alpha": dict(zip(PRODUCTS, LEVEL, strict=True)),
        "beta": dict(zip(PRODUCTS, ELASTICITY, strict=True)),
        "sigma": NOISE,
    }
    for name in ("truth.json", "separate_truth.json"):
        (HERE / name).write_text(json.dumps(truth, indent=2) + "\n")


if __name__ == "__main__":
    main()
