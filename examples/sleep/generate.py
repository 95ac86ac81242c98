"""Simulate 24 subjects over ten days, each on a line of its own; write the data and the truth."""

import csv
import json
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
SUBJECTS, DAYS = 24, 10
MEAN, SD, COR, SIGMA = (252.0, 10.5), (25.0, 6.0), 0.3, 24.0


def main() -> None:
    random = np.random.default_rng(1)
    cov = np.array([[SD[0] ** 2, COR * SD[0] * SD[1]], [COR * SD[0] * SD[1], SD[1] ** 2]])
    lines = random.multivariate_normal(MEAN, cov, SUBJECTS)
    names = [f"s{number:02}" for number in range(1, SUBJECTS + 1)]
    with (HERE / "sleep.csv").open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["subject", "day", "reaction"])
        for name, (start, slope) in zip(names, lines, strict=True):
            for day in range(DAYS):
                table.writerow([name, day, round(random.normal(start + slope * day, SIGMA), 1)])
    truth = {
        "mean(alpha)": MEAN[0],
        "mean(beta)": MEAN[1],
        "sd(alpha)": SD[0],
        "sd(beta)": SD[1],
        "cor(alpha, beta)": COR,
        "sigma": SIGMA,
        "alpha": dict(zip(names, lines[:, 0].round(3).tolist(), strict=True)),
        "beta": dict(zip(names, lines[:, 1].round(3).tolist(), strict=True)),
    }
    (HERE / "truth.json").write_text(json.dumps(truth, indent=2) + "\n")


if __name__ == "__main__":
    main()
