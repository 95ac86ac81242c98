"""Python's bytecode of the packages kept where HDSL keeps what takes long to make.

Python keeps it beside each package. Where it may not or cannot (``PYTHONDONTWRITEBYTECODE``, as in
many containers; packages that belong to somebody else) every command compiles JAX and NumPyro
again from their sources, which is three of the four seconds that importing them takes. This
loader then keeps it in the cache folder. ``HDSL_CACHE=off`` does without.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from types import CodeType, ModuleType
from typing import cast

import click

from hdsl.syntax.cache import writable_cache

HEAD = 16
"""Bytes of a digest of what the code was made from, before the code."""


def keep_bytecode() -> None:
    """Modules imported from now on are compiled once, where Python itself keeps no bytecode."""
    if _python_keeps_it() or any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    folder = writable_cache(f"bytecode/{sys.implementation.cache_tag}")
    if folder is not None:
        sys.meta_path.insert(0, _Finder(folder))


def _python_keeps_it() -> bool:
    """Whether Python itself puts bytecode beside the packages when it imports them."""
    packages = Path(click.__file__).parents[1]
    return not sys.dont_write_bytecode and os.access(packages, os.W_OK)


class _Finder:
    """Finds modules as Python does; those without bytecode get a loader that keeps it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """What ``sys.meta_path`` asks; None where it is for others to answer."""
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or type(spec.loader) is not SourceFileLoader:
            return None
        if spec.cached is None or os.path.exists(spec.cached):  # noqa: PTH110 - 1,000 times
            return None
        spec.loader = _Loader(name, spec.loader.path, self._folder)
        return spec


class _Loader(SourceFileLoader):
    """Reads the code from the folder if it is of the source as it stands, and else puts it there.

    The source is known by its path, size and time of change, as Python knows it.
    """

    def __init__(self, name: str, path: str, folder: Path) -> None:
        super().__init__(name, path)
        self._folder = folder

    def get_code(self, fullname: str) -> CodeType | None:
        """The module's code."""
        stats = os.stat(self.path)  # noqa: PTH116 - 1,000 times
        made_from = f"{self.path} {stats.st_size} {stats.st_mtime_ns} {sys.flags.optimize}"
        head = hashlib.blake2b(MAGIC_NUMBER + made_from.encode(), digest_size=HEAD).digest()
        file = self._folder / hashlib.blake2b(self.path.encode(), digest_size=12).hexdigest()
        with suppress(OSError, EOFError, ValueError, TypeError):
            data = file.read_bytes()
            if data[:HEAD] == head:
                return cast("CodeType", marshal.loads(data[HEAD:]))
        code = super().get_code(fullname)
        with suppress(OSError, ValueError):
            draft = file.with_name(f"{file.name}.{os.getpid()}")
            draft.write_bytes(head + marshal.dumps(code))
            draft.replace(file)
        return code
