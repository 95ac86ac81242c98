"""Simulate sales of 40 shops, many with few weeks; write the data and the truth."""

import csv
import json
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
SHOPS = 40
MEAN_ALPHA, SD_ALPHA, MEAN_LOG, SD_LOG, SIGMA = 3.0, 0.5, 0.3, 0.5, 0.4


def main() -> None:
    random = np.random.default_rng(6)
    alphas: dict[str, float] = {}
    betas: dict[str, float] = {}
    with (HERE / "prices.csv").open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["shop", "log_p", "log_q"])
        for number in range(1, SHOPS + 1):
            shop, base = f"shop {number}", random.normal(0, 0.2)
            alpha = random.normal(MEAN_ALPHA, SD_ALPHA)
            beta = -np.exp(random.normal(MEAN_LOG, SD_LOG))
            alphas[shop], betas[shop] = round(alpha, 3), round(beta, 3)
            for _ in range(random.integers(4, 30)):
                log_p = round(base + random.normal(0, 0.25), 3)
                table.writerow([shop, log_p, round(random.normal(alpha + beta * log_p, SIGMA), 3)])
    truth = {
        "mean(alpha)": MEAN_ALPHA,
        "sd(alpha)": SD_ALPHA,
        "mean(log(-beta))": MEAN_LOG,
        "sd(log(-beta))": SD_LOG,
        "sigma": SIGMA,
        "alpha": alphas,
        "beta": betas,
    }
    (HERE / "truth.json").write_text(json.dumps(truth, indent=2) + "\n")


if __name__ == "__main__":
    main()
