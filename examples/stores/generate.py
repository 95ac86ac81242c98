"""Simulate two and a half years of daily sales in stores that differ; write data and truth.

Without arguments: the small data set of this folder. `--stores 1115 --days 942 --into DIR` makes
the full one: `train.csv` holds the first 1,000 stores, `opened.csv` seven days of each of the 115
that have just opened, `rest.csv` the rest of their days, which is to be predicted.
"""

import argparse
import csv
import datetime
import json
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
SMALL, NEW, KNOWN = (8, 400), 115, 7
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
START = datetime.date(2013, 1, 1)
PLAIN = ("1", "trend", "promo", "school_holiday", "payday", "advent")
NAMES = (
    *PLAIN,
    *(f"weekday:{day}" for day in WEEKDAYS[1:]),
    *(f"month:{month}" for month in range(2, 13)),
)
MEAN = np.array(
    [
        *(8.4, 0.05, 0.22, 0.03, 0.06, 0.18),
        *(-0.12, -0.15, -0.14, -0.05, -0.2, 0.1),
        *(0.0, 0.04, 0.03, 0.06, 0.02, -0.02, -0.06, -0.03, 0.0, 0.05, 0.2),
    ]
)
SD = np.array([0.4, 0.08, 0.08, 0.04, 0.03, 0.06, *[0.07] * 6, *[0.05] * 11])
LOG_PHI = (3.2, 0.4)  # mean and sd over stores of the log of the dispersion


def calendar(days: int) -> list[datetime.date]:
    """The days, in order."""
    return [START + datetime.timedelta(number) for number in range(days)]


def features(days: list[datetime.date], school: np.ndarray) -> np.ndarray:
    """What every store shares of the design: (day, feature), promotions aside."""
    rows = []
    for number, day in enumerate(days):
        first = [1.0, number / 365, 0.0, school[number], day.day <= 3]
        advent = day.month == 12 and day.day < 24
        weekday = [day.weekday() == k for k in range(1, 7)]
        month = [day.month == k for k in range(2, 13)]
        rows.append([*first, advent, *weekday, *month])
    return np.array(rows, dtype=float)


def simulate(stores: int, days: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    """The design (day, feature), promotions, open days and sales (store, day), and the truth."""
    dates = calendar(days)
    school = (random.random(days // 14 + 1) < 0.2).repeat(14)[:days].astype(float)
    design = features(dates, school)
    theta = MEAN + SD * random.normal(size=(stores, len(MEAN)))
    log_phi = random.normal(*LOG_PHI, stores)
    weekly = random.random((stores, days // 7 + 2)) < 0.4
    week = np.array([(day - START).days // 7 for day in dates])
    promo = weekly[:, week] & (design[:, 6 + 5] == 0)
    sunday = np.array([day.weekday() == 6 for day in dates])
    shut = np.where(sunday, (random.random(stores) < 0.95)[:, None], False)
    shut |= random.random((1, days)) < 0.02  # public holidays
    log_mu = theta @ design.T + theta[:, 2, None] * promo
    mu, phi = np.exp(log_mu), np.exp(log_phi)[:, None]
    sales = random.negative_binomial(phi, phi / (phi + mu))
    return {
        "school": school,
        "design": design,
        "promo": promo.astype(int),
        "open": (~shut).astype(int),
        "sales": np.where(shut, 0, sales),
        "theta": theta,
        "log_phi": log_phi,
    }


def table(made: dict[str, np.ndarray], stores: range, days: range, path: Path) -> None:
    """Write the rows of some stores and days, as a till would: sales are 0 where it is shut."""
    dates = calendar(days.stop)
    shared = [
        (
            day.isoformat(),
            WEEKDAYS[day.weekday()],
            day.month,
            int(made["school"][number]),
            int(day.day <= 3),
            int(day.month == 12 and day.day < 24),
            round(number / 365, 4),
        )
        for number, day in enumerate(dates)
    ]
    with path.open("w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        names = ["date", "weekday", "month", "school_holiday", "payday", "advent", "trend"]
        out.writerow(["store", *names, "promo", "open", "sales"])
        for store in stores:
            own = [made[name][store].tolist() for name in ("promo", "open", "sales")]
            out.writerows((store + 1, *shared[d], own[0][d], own[1][d], own[2][d]) for d in days)


def truth(made: dict[str, np.ndarray], stores: range) -> dict[str, object]:
    """What made the sales of some stores."""
    return {
        "mean(theta)": dict(zip(NAMES, MEAN.tolist(), strict=True)),
        "sd(theta)": dict(zip(NAMES, SD.tolist(), strict=True)),
        "mean(log(phi))": LOG_PHI[0],
        "sd(log(phi))": LOG_PHI[1],
        "phi": {str(s + 1): round(float(np.exp(made["log_phi"][s])), 3) for s in stores},
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--stores", type=int, default=SMALL[0])
    options.add_argument("--days", type=int, default=SMALL[1])
    options.add_argument("--into", type=Path, default=HERE, help="the folder to write to")
    options.add_argument("--seed", type=int, default=4)
    asked = options.parse_args()
    made = simulate(asked.stores, asked.days, np.random.default_rng(asked.seed))
    asked.into.mkdir(parents=True, exist_ok=True)
    if asked.into == HERE:
        table(made, range(asked.stores), range(asked.days), HERE / "stores.csv")
        known = truth(made, range(asked.stores))
        (HERE / "truth.json").write_text(json.dumps(known, indent=2) + "\n")
        return
    trained = range(asked.stores - NEW)
    opened = range(asked.stores - NEW, asked.stores)
    table(made, trained, range(asked.days), asked.into / "train.csv")
    table(made, opened, range(KNOWN), asked.into / "opened.csv")
    table(made, opened, range(KNOWN, asked.days), asked.into / "rest.csv")
    (asked.into / "truth.json").write_text(json.dumps(truth(made, trained), indent=2) + "\n")
    np.savez_compressed(asked.into / "theta.npz", theta=made["theta"], log_phi=made["log_phi"])


if __name__ == "__main__":
    main()
