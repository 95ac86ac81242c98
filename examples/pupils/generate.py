"""Simulate pupils in classes in schools; class labels repeat from school to school."""

import csv
import json
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
SCHOOLS, PUPILS = 30, 8
MEAN, BETA, SD_SCHOOL, SD_CLASS, SIGMA = 60.0, 1.5, 3.0, 2.0, 5.0
SLOPE_SIZE, SLOPE_BUDGET = -0.5, 2.0


def main() -> None:
    random = np.random.default_rng(3)
    budgets = random.normal(8, 1.5, SCHOOLS).round(2)
    letters = [chr(ord("a") + k) for n in random.integers(2, 6, SCHOOLS) for k in range(n)]
    numbers = np.cumsum([letter == "a" for letter in letters])
    sizes = random.integers(15, 32, len(letters))
    at_school = MEAN + SLOPE_BUDGET * (budgets - budgets.mean())
    at_school += random.normal(0, SD_SCHOOL, SCHOOLS)
    at_class = at_school[numbers - 1] + SLOPE_SIZE * (sizes - sizes.mean())
    at_class += random.normal(0, SD_CLASS, len(letters))
    with (HERE / "pupils.csv").open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["school", "class", "size", "budget", "hours", "score"])
        for row, (number, letter) in enumerate(zip(numbers, letters, strict=True)):
            head = [f"school {number}", letter, sizes[row], budgets[number - 1]]
            for hours in random.gamma(4, 0.75, PUPILS).round(1):
                score = random.normal(at_class[row] + BETA * hours, SIGMA)
                table.writerow([*head, hours, round(score, 1)])
    truth = {
        "mean(alpha)": MEAN,
        "beta": BETA,
        "slope(alpha, center(size))": SLOPE_SIZE,
        "slope(alpha, center(budget))": SLOPE_BUDGET,
        "sd(alpha, school)": SD_SCHOOL,
        "sd(alpha, class)": SD_CLASS,
        "sigma": SIGMA,
    }
    (HERE / "truth.json").write_text(json.dumps(truth, indent=2) + "\n")


if __name__ == "__main__":
    main()
