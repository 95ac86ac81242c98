"""A tree comes back from its file whatever its names are."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from hdsl.fit.netcdf import read_tree, write_tree

NAMES = ("sd(alpha, market)", "log(-beta)", "(a)", "x%2Fy", "Ωmega", "a b ", "n" * 300, "ж" * 150)


@pytest.mark.parametrize("name", NAMES)
def test_names_survive(tmp_path: Path, name: str) -> None:
    data = xr.Dataset(
        {name: (("draw", "of/market"), np.arange(6.0).reshape(2, 3))},
        {"draw": [0, 1]},
    )
    other = xr.Dataset({"plain": ("draw", np.array([True, False]))})
    tree = xr.DataTree.from_dict({"posterior": data, "other": other})
    write_tree(tree, tmp_path / "tree.nc")
    again = read_tree(tmp_path / "tree.nc")
    for group in ("posterior", "other"):
        xr.testing.assert_identical(again[group].dataset, tree[group].dataset)


def test_labels_survive(tmp_path: Path) -> None:
    labels = np.array(["", "a\nb", '"', "<script>", "🌱", "ä", "1.0", "é"], dtype=object)
    tree = xr.DataTree.from_dict(
        {"posterior": xr.Dataset({"x": ("bed", np.arange(8))}, {"bed": labels})}
    )
    write_tree(tree, tmp_path / "tree.nc")
    assert read_tree(tmp_path / "tree.nc")["posterior"]["bed"].to_numpy().tolist() == list(labels)
