"""Simulate 14 judges who each taste most of 40 wines; write the data and the truth."""

import csv
import json
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
WINES, JUDGES = 40, 14
MEAN, SLOPE, SD_WINE, SD_JUDGE, SIGMA = 70.0, 4.0, 3.0, 4.0, 2.5


def main() -> None:
    random = np.random.default_rng(2)
    prices = random.lognormal(2.5, 0.6, WINES).round(2)
    dearness = np.log(prices) - np.log(prices).mean()
    wines = random.normal(0, SD_WINE, WINES)
    judges = random.normal(0, SD_JUDGE, JUDGES)
    with (HERE / "scores.csv").open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["judge", "wine", "price", "score"])
        for judge in range(JUDGES):
            for wine in np.flatnonzero(random.random(WINES) < 0.7):
                centre = MEAN + SLOPE * dearness[wine] + wines[wine] + judges[judge]
                score = round(random.normal(centre, SIGMA), 1)
                table.writerow([f"judge {judge + 1}", f"wine {wine + 1}", prices[wine], score])
    truth = {
        "mean(taste)": MEAN,
        "slope(taste, center(log(price)))": SLOPE,
        "sd(taste, wine)": SD_WINE,
        "sd(taste, judge)": SD_JUDGE,
        "sigma": SIGMA,
        "dev(taste, wine)": {f"wine {i + 1}": round(x, 3) for i, x in enumerate(wines.tolist())},
        "dev(taste, judge)": {f"judge {i + 1}": round(x, 3) for i, x in enumerate(judges.tolist())},
    }
    (HERE / "truth.json").write_text(json.dumps(truth, indent=2) + "\n")


if __name__ == "__main__":
    main()
