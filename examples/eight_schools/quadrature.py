"""The exact posterior, by quadrature over the mean and the sd of the schools."""

import csv
import json
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


def main() -> None:
    with (HERE / "schools.csv").open() as file:
        schools = list(csv.DictReader(file))
    effect = np.array([float(row["effect"]) for row in schools])
    se = np.array([float(row["se"]) for row in schools])
    mu = np.linspace(-25, 30, 1101)[:, None, None]
    tau = np.tan(np.linspace(0.0005, 0.9995, 2000) * np.pi / 2)[None, :, None] * 5  # half-Cauchy
    marginal = -0.5 * (effect - mu) ** 2 / (se**2 + tau**2) - 0.5 * np.log(se**2 + tau**2)
    log_density = marginal.sum(-1) - 0.5 * (mu[..., 0] / 5) ** 2
    weight = np.exp(log_density - log_density.max())
    weight /= weight.sum()

    def moments(mean: np.ndarray, variance: np.ndarray | float = 0.0) -> list[float]:
        average = (weight * mean).sum()
        spread = (weight * (variance + (mean - average) ** 2)).sum()
        return [round(float(average), 2), round(float(spread**0.5), 2)]

    precision = 1 / se**2 + 1 / tau**2
    theta = (effect / se**2 + mu / tau**2) / precision
    reference = {
        "mean(theta)": moments(mu[..., 0]),
        "sd(theta)": moments(tau[..., 0]),
        "theta": {
            row["school"]: moments(theta[..., j], 1 / precision[..., j])
            for j, row in enumerate(schools)
        },
    }
    (HERE / "reference.json").write_text(json.dumps(reference, indent=2) + "\n")


if __name__ == "__main__":
    main()
