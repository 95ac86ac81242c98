"""Draw truth against estimate of a fit of `products`: of products, of categories, of all.

    python examples/products/figures.py products.run products/truth.json -o figures.png

Needs matplotlib besides HDSL.
"""

import argparse
import json
from pathlib import Path

import matplotlib as mpl
import numpy as np

import hdsl

mpl.use("Agg")
import matplotlib.pyplot as plt


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("run", type=Path)
    options.add_argument("truth", type=Path)
    options.add_argument("-o", "--out", type=Path, default=Path("figures.png"))
    asked = options.parse_args()
    truth = json.loads(asked.truth.read_text(encoding="utf-8"))
    posterior = hdsl.load(asked.run).data["posterior"]
    figure, axes = plt.subplots(1, 3, figsize=(13, 4.4), layout="constrained")
    panels = (("beta", "products"), ("beta[category]", "categories"), ("mean(beta)", "all"))
    for axis, (name, title) in zip(axes, panels, strict=True):
        draws = posterior[name]
        known = truth[name]
        if isinstance(known, dict):
            (level,) = (d for d in draws.dims if d not in ("chain", "draw"))
            draws = draws.sel({level: list(known)})
            known = list(known.values())
        points = np.atleast_1d(known)
        mean = np.atleast_1d(draws.mean(("chain", "draw")))
        low, high = np.quantile(draws.to_numpy(), [0.05, 0.95], axis=(0, 1)).reshape(2, -1)
        thin = len(points) > 500
        axis.errorbar(
            points,
            mean,
            [mean - low, high - mean],
            fmt=".",
            markersize=2 if thin else 6,
            linewidth=0.2 if thin else 1,
            alpha=0.3 if thin else 1,
        )
        ends = [min(points.min(), low.min()), max(points.max(), high.max())]
        axis.plot(ends, ends, color="black", linewidth=0.8)
        inside = np.mean((low <= points) & (points <= high))
        axis.set(xlabel="truth", ylabel="estimate, 90% interval")
        share = f": {inside:.0%} of {len(points):,} inside" if len(points) > 1 else ""
        axis.set_title(f"elasticity of {title}{share}")
    figure.savefig(asked.out, dpi=80)


if __name__ == "__main__":
    main()
