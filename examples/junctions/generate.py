"""Simulate a year's accidents at the junctions of 30 cities; write the data and the truth."""

import csv
import json
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
CITIES = 30
MEAN, SLOPE, SD, BETA = -0.1, 0.12, 0.35, -0.6


def main() -> None:
    random = np.random.default_rng(4)
    rain = random.uniform(5, 18, CITIES).round(1)
    alpha = random.normal(MEAN + SLOPE * (rain - rain.mean()), SD)
    with (HERE / "junctions.csv").open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["city", "rain", "traffic", "roundabout", "accidents"])
        for city in range(CITIES):
            for _ in range(random.integers(6, 30)):
                traffic = round(random.lognormal(1, 0.5), 2)
                roundabout = int(random.random() < 0.35)
                accidents = random.poisson(traffic * np.exp(alpha[city] + BETA * roundabout))
                table.writerow([f"city {city + 1}", rain[city], traffic, roundabout, accidents])
    truth = {
        "mean(alpha)": MEAN,
        "slope(alpha, center(rain))": SLOPE,
        "sd(alpha)": SD,
        "beta": BETA,
        "alpha": {f"city {i + 1}": round(x, 3) for i, x in enumerate(alpha.tolist())},
    }
    (HERE / "truth.json").write_text(json.dumps(truth, indent=2) + "\n")


if __name__ == "__main__":
    main()
