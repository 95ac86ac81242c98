"""Simulate the invitations of 36 clinics, twelve weeks each; write the data and the truth."""

import csv
import json
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
CLINICS, WEEKS = 36, 12
MEAN, SLOPE, SD, COR = (-0.3, 0.9), (-0.05, 0.02), (0.5, 0.4), -0.4


def main() -> None:
    random = np.random.default_rng(5)
    distance = random.gamma(3, 5, CLINICS).round(1)
    cov = np.array([[SD[0] ** 2, COR * SD[0] * SD[1]], [COR * SD[0] * SD[1], SD[1] ** 2]])
    both = np.array(MEAN) + np.outer(distance - distance.mean(), SLOPE)
    both += random.multivariate_normal((0, 0), cov, CLINICS)
    with (HERE / "clinics.csv").open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["clinic", "distance", "week", "reminder", "invited", "came"])
        for clinic, (alpha, beta) in enumerate(both):
            for week in range(1, WEEKS + 1):
                reminder, invited = int(random.random() < 0.5), int(random.integers(10, 60))
                came = random.binomial(invited, 1 / (1 + np.exp(-alpha - beta * reminder)))
                head = [f"clinic {clinic + 1}", distance[clinic], week]
                table.writerow([*head, reminder, invited, came])
    names = [f"clinic {number}" for number in range(1, CLINICS + 1)]
    truth = {
        "mean(alpha)": MEAN[0],
        "mean(beta)": MEAN[1],
        "slope(alpha, center(distance))": SLOPE[0],
        "slope(beta, center(distance))": SLOPE[1],
        "sd(alpha)": SD[0],
        "sd(beta)": SD[1],
        "cor(alpha, beta)": COR,
        "alpha": dict(zip(names, both[:, 0].round(3).tolist(), strict=True)),
        "beta": dict(zip(names, both[:, 1].round(3).tolist(), strict=True)),
    }
    (HERE / "truth.json").write_text(json.dumps(truth, indent=2) + "\n")


if __name__ == "__main__":
    main()
