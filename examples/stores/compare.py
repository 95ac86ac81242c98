"""Compare what three ways say of stores that opened last week with what then happened.

    python examples/stores/compare.py stores opened.run predicted.csv

`stores` is the folder that `generate.py` filled, `opened.run` the updated run, `predicted.csv` its
predictions of `rest.csv`. The other two ways are each store's own Poisson regression on its seven
days, and on its whole history; they need scikit-learn besides HDSL.
"""

import argparse
import csv
import sys
from pathlib import Path

import numpy as np
from sklearn.linear_model import PoissonRegressor

import hdsl

sys.path.insert(0, str(Path(__file__).parent))
from generate import NAMES, WEEKDAYS


def read(path: Path) -> dict[str, np.ndarray]:
    """The columns of a table of stores, as text."""
    with path.open(newline="") as file:
        names, *rows = csv.reader(file)
    return dict(zip(names, np.array(rows).T, strict=True))


def design(rows: dict[str, np.ndarray]) -> np.ndarray:
    """The columns of the block X of the model, without the intercept: (row, feature)."""
    plain = [rows[name].astype(float) for name in NAMES[1:6]]
    weekday = [rows["weekday"] == day for day in WEEKDAYS[1:]]
    month = [rows["month"] == str(number) for number in range(2, 13)]
    return np.column_stack([*plain, *weekday, *month]).astype(float)


def of_each_store(fitted_to: dict[str, np.ndarray], ridge: float) -> dict[str, PoissonRegressor]:
    """A Poisson regression per store, on the days when it was open."""
    x, y = design(fitted_to), fitted_to["sales"].astype(float)
    models = {}
    for store in np.unique(fitted_to["store"]):
        mine = (fitted_to["store"] == store) & (fitted_to["open"] == "1")
        models[store] = PoissonRegressor(alpha=ridge, max_iter=2000).fit(x[mine], y[mine])
    return models


def effects(model: PoissonRegressor) -> np.ndarray:
    """The intercept and the coefficients, in the order of the block."""
    return np.array([model.intercept_, *model.coef_])


def predictions(
    models: dict[str, PoissonRegressor], x: np.ndarray, store: np.ndarray
) -> np.ndarray:
    """What each row's own store's regression expects."""
    found = np.empty(len(x))
    for name, model in models.items():
        mine = store == name
        found[mine] = model.predict(x[mine])
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("run", type=Path)
    options.add_argument("predicted", type=Path)
    asked = options.parse_args()
    week, rest = read(asked.folder / "opened.csv"), read(asked.folder / "rest.csv")
    whole = {name: np.concatenate([week[name], rest[name]]) for name in week}
    open_days = rest["open"] == "1"
    sales = rest["sales"].astype(float)[open_days]
    alone = of_each_store(week, ridge=1e-3)
    known = of_each_store(whole, ridge=1e-6)
    x, store = design(rest)[open_days], rest["store"][open_days]
    theta = hdsl.load(asked.run).data["posterior"]["theta"].mean(("chain", "draw"))
    stores = np.unique(store)
    figures = np.load(asked.folder / "theta.npz")
    truth = np.array([figures["theta"][int(name) - 1] for name in stores])
    estimates = {
        "HDSL, updated with 7 days": theta.sel(store=list(stores), X=list(NAMES)).to_numpy(),
        "Poisson regression of 7 days": np.array([effects(alone[s]) for s in stores]),
        "Poisson regression of all days": np.array([effects(known[s]) for s in stores]),
    }
    said = read(asked.predicted)
    predicted = {
        "HDSL, updated with 7 days": said["demand_mean"].astype(float)[open_days],
        "Poisson regression of 7 days": predictions(alone, x, store),
        "Poisson regression of all days": predictions(known, x, store),
    }
    print("| | error of the effects (rms) | error of a day's sales (mean, %) |")
    print("| --- | --- | --- |")
    for name, found in estimates.items():
        off = np.sqrt(np.mean((found - truth) ** 2))
        missed = np.mean(np.abs(predicted[name] - sales) / np.maximum(sales, 1))
        print(f"| {name} | {off:.3f} | {100 * missed:.1f} |")


if __name__ == "__main__":
    main()
