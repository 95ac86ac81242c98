"""W3: 11,389 products of ten categories over 100 weeks, Poisson, the scales learned.

Too large for everybody's NUTS: what is compared is a gradient and a step of SVI with a mean-field
guide of eight particles, and HDSL's ``laplace`` stands beside them. Tuned: an array of
product by week.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.workload import ROOT, Columns, Draws, Files, Numbers, Sides, Workload

EXAMPLE = ROOT / "examples" / "products"
PRODUCTS_OF = 47_000  # before those that do not sell are left out


def make(folder: Path) -> Files:
    """The example's full data."""
    into = folder / "products"
    if not (into / "truth.json").exists():
        command = [sys.executable, str(EXAMPLE / "generate.py"), "--products", str(PRODUCTS_OF)]
        subprocess.run([*command, "--into", str(into)], check=True)
    return Files(into / "products.csv", {})


def read(files: Files) -> Columns:
    """The columns, categories and products numbered."""
    import pandas as pd

    rows = pd.read_csv(files.rows)
    category, categories = pd.factorize(rows["category"], sort=True)
    product, products = pd.factorize(rows["product"])
    first = rows.groupby(product, sort=True).head(1).index
    return {
        "category": category,
        "categories": len(categories),
        "product": product,
        "products": len(products),
        "category_of_product": category[first],
        "week": rows["week"].to_numpy() - 1,
        "weeks": int(rows["week"].max()),
        "price": rows["price"].to_numpy(),
        "units": rows["units"].to_numpy(),
    }


def by_hand(data: Columns) -> None:
    """Standard normal effects of products, rows as they come."""
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist

    base = numpyro.sample("base", dist.Normal(8, 1))
    mean = numpyro.sample("mean", dist.Normal(-2, 1))
    sd_category = numpyro.sample("sd_category", dist.HalfNormal(1))
    sd_product = numpyro.sample("sd_product", dist.HalfNormal(1))
    spread = numpyro.sample("spread", dist.HalfNormal(1))
    size = numpyro.sample("size", dist.HalfNormal(1))
    categories = numpyro.plate("categories", data["categories"], dim=-2)
    with numpyro.plate("category_means", data["categories"]):
        z_category = numpyro.sample("z_category", dist.Normal(0, 1))
    with numpyro.plate("products", data["products"]):
        z_product = numpyro.sample("z_product", dist.Normal(0, 1))
        quality = numpyro.sample("quality", dist.Normal(0, size))
    with categories, numpyro.plate("weeks", data["weeks"], dim=-1):
        season = numpyro.sample("season", dist.Normal(base, spread))
    of_category = mean + sd_category * z_category
    of_category = of_category[jnp.asarray(data["category_of_product"])]
    beta = numpyro.deterministic("beta", of_category + sd_product * z_product)
    product = data["product"]
    eta = beta[product] * jnp.log(data["price"]) + season[data["category"], data["week"]]
    numpyro.sample("units", dist.Poisson(jnp.exp(eta + quality[product])), obs=data["units"])


def tuned(data: Columns) -> None:
    """Centred effects, an array of product by week."""
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist

    base = numpyro.sample("base", dist.Normal(8, 1))
    mean = numpyro.sample("mean", dist.Normal(-2, 1))
    sd_category = numpyro.sample("sd_category", dist.HalfNormal(1))
    sd_product = numpyro.sample("sd_product", dist.HalfNormal(1))
    spread = numpyro.sample("spread", dist.HalfNormal(1))
    size = numpyro.sample("size", dist.HalfNormal(1))
    category = jnp.asarray(data["category_of_product"])
    with numpyro.plate("category_means", data["categories"]):
        of_category = numpyro.sample("of_category", dist.Normal(mean, sd_category))
    with numpyro.plate("products", data["products"]):
        beta = numpyro.sample("beta", dist.Normal(of_category[category], sd_product))
        quality = numpyro.sample("quality", dist.Normal(0, size))
    with numpyro.plate("c", data["categories"], dim=-2), numpyro.plate("w", data["weeks"], dim=-1):
        season = numpyro.sample("season", dist.Normal(base, spread))
    shape = (data["products"], data["weeks"])
    log_price = jnp.log(data["price"]).reshape(shape)
    eta = beta[:, None] * log_price + season[category] + quality[:, None]
    numpyro.sample("units", dist.Poisson(jnp.exp(eta)), obs=data["units"].reshape(shape))


def quantities(draws: Draws) -> dict[str, Numbers]:
    """What all are compared by, under HDSL's names."""
    return {
        "mean(beta)": draws["mean"],
        "sd(beta, category)": draws["sd_category"],
        "sd(beta, product)": draws["sd_product"],
        **{name: draws[name] for name in ("base", "spread", "size", "beta", "quality")},
    }


PRODUCTS = Workload(
    name="W3",
    title="products: Poisson, 11,389 products × 100 weeks, scales learned",
    model=EXAMPLE / "learned.hdsl",
    shared=(
        *("mean(beta)", "sd(beta, category)", "sd(beta, product)", "base", "spread", "size"),
        *("beta", "quality"),
    ),
    make=make,
    read=read,
    quantities=quantities,
    numpyro=Sides(by_hand, tuned),
    stages=("gradient", "svi-step", "laplace", "nuts"),
    large=True,
)
