"""Simulate ten markets of five submarkets each, in three kinds of outcome; write data and truth."""

import csv
import json
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
MARKETS, SUBMARKETS, ROWS = 10, 5, 100
ALPHA, SLOPE, SD, COR = 1.0, 0.5, (0.8, 0.5), 0.3  # intercept and slope of x1, over markets
SD_SUBMARKET, SLOPE_2, NOISE = 0.4, 0.6, 1.0
SCALE = 0.5  # of the linear predictor, for the outcomes with a link


def main() -> None:
    random = np.random.default_rng(128)
    cov = np.array([[SD[0] ** 2, COR * SD[0] * SD[1]], [COR * SD[0] * SD[1], SD[1] ** 2]])
    markets = np.array([ALPHA, SLOPE]) + random.multivariate_normal((0, 0), cov, MARKETS)
    inner = random.normal(0, SD_SUBMARKET, (MARKETS, SUBMARKETS))
    with (HERE / "markets.csv").open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["country", "market", "submarket", "x1", "x2", "y", "bought", "units"])
        for market in range(MARKETS):
            alpha, beta = markets[market]
            for submarket in range(SUBMARKETS):
                x1, x2 = random.normal(size=(2, ROWS)).round(4)
                eta = alpha + inner[market, submarket] + beta * x1 + SLOPE_2 * x2
                y = random.normal(eta, NOISE).round(4)
                bought = random.binomial(1, 1 / (1 + np.exp(-eta)))
                units = random.poisson(np.exp(SCALE * eta))
                head = "United States", f"market {market + 1}", f"{market + 1}.{submarket + 1}"
                for row in zip(x1, x2, y, bought, units, strict=True):
                    table.writerow([*head, *(value.item() for value in row)])
    shared = {
        "mean(alpha)": ALPHA,
        "mean(beta)": SLOPE,
        "sd(alpha, market)": SD[0],
        "sd(alpha, submarket)": SD_SUBMARKET,
        "sd(beta)": SD[1],
        "cor(alpha, beta, market)": COR,
        "gamma": SLOPE_2,
    }
    names = [f"market {number}" for number in range(1, MARKETS + 1)]
    of_market = {
        "alpha[market]": dict(zip(names, markets[:, 0].round(3).tolist(), strict=True)),
        "beta": dict(zip(names, markets[:, 1].round(3).tolist(), strict=True)),
    }
    halved = {
        name: value if name.startswith("cor") else round(SCALE * value, 3)
        for name, value in shared.items()
    }
    for name, truth in (
        ("truth.json", {**shared, "sigma": NOISE, **of_market}),
        ("bought_truth.json", {**shared, **of_market}),
        ("units_truth.json", halved),
    ):
        (HERE / name).write_text(json.dumps(truth, indent=2) + "\n")


if __name__ == "__main__":
    main()
