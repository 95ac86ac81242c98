"""Keeps a DataTree in a netCDF file whose names may be anything that a model may say.

A slash separates groups in the file, so `slope(a, x / y)` would not come back as it was; it is
written `%2F`, as in an address.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray

ENGINE = "h5netcdf"


def write_tree(tree: xarray.DataTree, file: Path) -> None:
    """The tree in a file."""
    _renamed(tree, encode_name).to_netcdf(file, engine=ENGINE)


def read_tree(file: Path) -> xarray.DataTree:
    """The tree in a file, in memory: the file may move or go."""
    import xarray as xr

    with xr.open_datatree(file, engine=ENGINE) as tree:
        return _renamed(tree.load(), decode_name)


def encode_name(name: str) -> str:
    """A name that a file may hold.

    >>> encode_name("slope(a, x / y)")
    'slope(a, x %2F y)'
    """
    return name.replace("%", "%25").replace("/", "%2F")


def decode_name(name: str) -> str:
    """The name that was encoded."""
    return name.replace("%2F", "/").replace("%25", "%")


def _renamed(tree: xarray.DataTree, rename: Callable[[str], str]) -> xarray.DataTree:
    import xarray as xr

    groups = {}
    for path, node in tree.to_dict().items():
        names = {str(name) for name in (*node.variables, *node.dims)}
        groups[path] = node.rename({name: rename(name) for name in names if rename(name) != name})
    renamed: xarray.DataTree = xr.DataTree.from_dict(groups)
    return renamed
