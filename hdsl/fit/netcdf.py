"""Keeps a DataTree in a netCDF file whose names may be anything that a model may say.

A name there has at most 256 bytes and no slash, and begins with a letter. Other names are written
otherwise, and the file says what they stand for.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import xarray

ENGINE: Final = "netcdf4"
NAMES = "names_of_the_model"  # attribute of the file: the names that were written otherwise
LONGEST = 200


def write_tree(tree: xarray.DataTree, file: Path) -> None:
    """The tree in a file."""
    names = {
        str(name) for node in tree.subtree for name in (*node.dataset.variables, *node.dataset.dims)
    }
    written = {name: encode_name(name) for name in names if encode_name(name) != name}
    renamed = _renamed(tree, written)
    renamed.attrs[NAMES] = json.dumps({v: k for k, v in written.items()})
    renamed.to_netcdf(file, engine=ENGINE)


def read_tree(file: Path) -> xarray.DataTree:
    """The tree in a file, in memory: the file may move or go."""
    import xarray as xr

    with xr.open_datatree(file, engine=ENGINE) as opened:
        tree = opened.load()
        return _renamed(tree, json.loads(tree.attrs.pop(NAMES, "{}")))


def encode_name(name: str) -> str:
    """A name that a file may hold.

    >>> encode_name("a/b")
    'a%2Fb'
    """
    safe = re.sub(r"[%/\x00-\x1f\x7f]", lambda m: f"%{ord(m[0]):02X}", name)
    if re.match(r"[^\w]", safe) or safe != safe.strip():
        safe = f"_%{safe}%"
    if len(safe.encode()) > LONGEST:
        digest = hashlib.sha256(name.encode()).hexdigest()[:16]
        safe = f"{safe.encode()[: LONGEST - 20].decode(errors='ignore')}%{digest}"
    return safe


def _renamed(tree: xarray.DataTree, names: Mapping[str, str]) -> xarray.DataTree:
    import xarray as xr

    groups = {}
    for path, dataset in tree.to_dict().items():
        here = {*dataset.variables, *dataset.dims}
        groups[path] = dataset.rename({old: new for old, new in names.items() if old in here})
    renamed: xarray.DataTree = xr.DataTree.from_dict(groups)
    return renamed
