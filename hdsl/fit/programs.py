"""Programs compiled for a fit, kept so that the same fit need not trace its model again.

JAX's own cache keeps what XLA compiles, but finds it only by tracing and lowering the model, which
for a small one takes longer than to sample it. Here the compiled programs of a fit lie under a
digest of everything that they follow from: the generated file, the data, the options, the versions
of all that took part, HDSL's own code, the machine's processor and devices. Another seed is the
same fit. Like all of the cache folder these are files of the user's own, trusted as such.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Any

import jax
import numpy as np
from jax.experimental.serialize_executable import deserialize_and_load, serialize

from hdsl.fit.draws import Numbers
from hdsl.fit.environment import versions
from hdsl.fit.setup import processor, prune
from hdsl.syntax.cache import writable_cache

MOST_FILES = 200
"""Of programs, a megabyte each, before the older ones go."""

LITTLE = 1_000_000
"""Numbers given to a program, up to which it runs in no time however it is compiled."""

NOT_BY_JAX = 1e9
"""Seconds that a program takes to compile before JAX's own cache has it as well. A program that
comes from there cannot be kept once more: XLA loses parts of it, and says so when it is called."""

type Program = Callable[..., Any]


class Kept:
    """The programs of one fit, and facts that tracing taught: plain values by name.

    Without a folder nothing is kept, and nothing is found.
    """

    def __init__(self, folder: Path | None = None, identity: str = "") -> None:
        self._folder = folder
        self._identity = identity
        self._made: dict[Path, Future[Any]] = {}
        self._facts: dict[str, Any] = {}
        if folder is not None:
            self._facts = _read(folder / identity) or {}
            jax.config.update("jax_persistent_cache_min_compile_time_secs", NOT_BY_JAX)
        self._known = len(self._facts)

    def fact[T](self, name: str, find: Callable[[], T]) -> T:
        """What is known under a name, or is found out now."""
        if name in self._facts:
            known: T = self._facts[name]
            return known
        found = find()
        if self._folder is not None:
            self._facts[name] = found
        return found

    def program(self, name: str, arguments: tuple[Any, ...]) -> Program | None:
        """The program of a name for arguments of these shapes, None where there is none."""
        if self._folder is None or not name:
            return None
        kept = _read(file := self._file(self._folder, name, arguments))
        if kept is None:
            return None
        device = jax.numpy.zeros(()).devices()  # the one that JAX takes where nobody says which
        with suppress(Exception):  # whatever is wrong with it: it is compiled anew
            code, taken, given = kept
            if b"lapack" in code:
                _find_lapack()
            program: Program = deserialize_and_load(
                code, taken, given, execution_devices=list(device)
            )
            os.utime(file)  # those that are used are the last to go
            return program
        return None

    def own(self, function: Program, name: str) -> Program:
        """The function under a name that no program in JAX's cache has, if it is to be kept."""
        if self._folder is None or not name:
            return function

        def renamed(*arguments: Any) -> Any:
            return function(*arguments)

        renamed.__name__ = renamed.__qualname__ = f"kept_{name}"
        return renamed

    def add(self, name: str, arguments: tuple[Any, ...], program: Future[Any]) -> None:
        """Takes in a program that is being compiled."""
        if self._folder is not None and name:
            self._made[self._file(self._folder, name, arguments)] = program

    def write(self) -> None:
        """Writes what was compiled, beside what else the process does."""
        if self._folder is not None and (self._made or len(self._facts) > self._known):
            Thread(target=self._write, args=(self._folder,), name="hdsl-keep").start()

    def _write(self, folder: Path) -> None:
        with suppress(Exception):  # a full disk, a program that cannot be kept: it costs time alone
            for file, program in self._made.items():
                _put(file, serialize(program.result()))
            _put(folder / self._identity, self._facts)
            prune(folder, MOST_FILES)

    def _file(self, folder: Path, name: str, arguments: tuple[Any, ...]) -> Path:
        leaves, tree = jax.tree.flatten(arguments)
        shapes = [(np.shape(leaf), np.result_type(leaf).name) for leaf in leaves]
        return folder / _digest((self._identity, name, str(tree), shapes))


class Compiler:
    """Compiles in the background what is traced here, one after the other, in the foreground.

    Tracing must not be shared among threads (NumPyro's handlers are one stack); compiling may.
    What ``kept`` has of an earlier fit is neither traced nor compiled.
    """

    def __init__(self, kept: Kept | None = None) -> None:
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="hdsl-compile")
        self.kept = kept or Kept()

    def submit(
        self,
        function: Program,
        *arguments: Any,
        name: str = "",
        everywhere: Any = None,
        once: bool = False,
    ) -> Future[Program]:
        """A compiled version, sooner or later; the arguments may be shapes. What has a name is
        kept under it. What it returns is laid out ``everywhere``, where that is said. What runs but
        ``once`` on little data is compiled in two thirds of the time, to run at a seventh of the
        speed.
        """
        found = self.kept.program(name, arguments)
        if found is not None:
            ready: Future[Program] = Future()
            ready.set_result(found)
            return ready
        own = self.kept.own(function, name)
        jitted = jax.jit(own) if everywhere is None else jax.jit(own, out_shardings=everywhere)
        lowered = jitted.lower(*arguments)
        little = sum(np.size(leaf) for leaf in jax.tree.leaves(arguments)) < LITTLE
        options = {"xla_backend_optimization_level": 0} if once and little else None
        future: Future[Program] = self._pool.submit(lowered.compile, options)
        self.kept.add(name, arguments, future)
        return future

    def close(self) -> None:
        """Takes no more work."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def in_chunks[T](compute: Callable[[Any, Numbers], T], values: Any, size: int) -> T:
    """What is computed of ``size`` draws and their numbers, for all draws: arrays of any tree,
    (chain, draw, …) as those of the values are. The last chunk is filled up with the last draw.
    """
    chains, draws = jax.tree.leaves(values)[0].shape[:2]
    total = chains * draws
    rows = jax.tree.map(lambda leaf: leaf.reshape(total, *leaf.shape[2:]), values)
    parts = []
    for begin in range(0, total, size):
        numbers = np.minimum(np.arange(begin, begin + size), total - 1)
        kept = min(size, total - begin)
        some = jax.tree.map(lambda leaf, n=numbers: leaf[n], rows)
        part = compute(some, numbers.astype(np.uint32))
        parts.append(jax.tree.map(lambda leaf, n=kept: np.asarray(leaf)[:n], part))
    joined = jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
    shaped: T = jax.tree.map(lambda leaf: leaf.reshape(chains, draws, *leaf.shape[1:]), joined)
    return shaped


def _read(file: Path) -> Any:
    """What a file of the folder holds, None where there is none or it is damaged."""
    try:
        return pickle.loads(file.read_bytes())
    except Exception:
        return None


@cache
def _find_lapack() -> None:
    """Has JAX look for the routines of linear algebra, as it does where a program is lowered: one
    that was lowered elsewhere would call them at no address at all.
    """
    jax.jit(jax.numpy.linalg.cholesky).lower(np.eye(1))


def _put(file: Path, value: Any) -> None:
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    draft.write_bytes(pickle.dumps(value))
    draft.replace(file)


def _digest(value: Any) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:40]


def kept_programs(asked: Mapping[str, Any]) -> Kept:
    """The programs of a fit that was ``asked`` for before in these words, or a place for them."""
    folder = writable_cache("programs")
    return Kept() if folder is None else Kept(folder, _digest((sorted(asked.items()), *_told())))


def _told() -> tuple[Any, ...]:
    """What else decides on the compiled code."""
    environment = {n: v for n, v in os.environ.items() if n.startswith(("JAX_", "XLA_"))}
    settings = {n: repr(v) for n, v in jax.config.values.items() if "cache" not in n}
    devices = [(d.platform, d.device_kind) for d in jax.devices()]
    where = (processor(), devices, jax.process_count(), sys.version)
    return (versions(), _own_code(), sorted(environment.items()), sorted(settings.items()), where)


@cache
def _own_code() -> str:
    """A digest of the modules that say what a fit computes: a checkout changes between releases."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()
