"""Where a fit computes: on one device or many, of one process or many, with rows shared among them.

This is JAX's own machinery: arrays that have an entry for each row are laid out over a mesh of
devices, all else is on each, and XLA's partitioner adds up the parts. The density is the
same function, its sums in another order.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hdsl.fit.draws import Numbers
from hdsl.fit.failure import failure

if TYPE_CHECKING:
    from hdsl.fit.methods.approximation import Problem
    from hdsl.fit.nuts import Target

AXIS = "rows"


@dataclass(frozen=True)
class Machines:
    """What to compute on: ``devices`` of this process, of a ``kind`` ("cpu", "gpu", "tpu").

    With ``distributed`` the fit is one of ``processes`` that meet at ``coordinator`` (host:port),
    the one of number ``process``. What is None comes from JAX_COORDINATOR_ADDRESS,
    JAX_NUM_PROCESSES and JAX_PROCESS_ID, or from the cluster's scheduler, where JAX knows it.
    """

    devices: int = 1
    kind: str | None = None
    distributed: bool = False
    coordinator: str | None = None
    processes: int | None = None
    process: int | None = None

    @property
    def many(self) -> bool:
        """Whether there may be more than one device."""
        return self.devices > 1 or self.distributed


def begin(machines: Machines, method: str = "nuts", backend: str = "numpyro") -> bool:
    """Has JAX use the machines; says whether this process is the one that writes the results.

    Raises ModelError where there are no such devices, or the processes do not find each other;
    ValueError where such a fit cannot be made on them.
    """
    if machines == Machines():
        return True
    _verify(machines, method, backend)
    import jax

    if machines.devices < 1:
        raise failure("H534", f"a fit needs at least one device, not {machines.devices}")
    if machines.kind is not None:
        jax.config.update("jax_platforms", machines.kind)
    if machines.devices > 1 and "host_platform_device_count" not in os.environ.get("XLA_FLAGS", ""):
        cores = os.cpu_count() or 1
        with suppress(RuntimeError):  # JAX has begun: what it has is counted below
            jax.config.update("jax_num_cpu_devices", min(machines.devices, cores))
    if machines.distributed:
        _meet(machines)
    try:
        there = jax.local_devices()
    except RuntimeError as error:
        what = f"a device of the kind `{machines.kind}`" if machines.kind else "a device"
        raise failure(
            "H534",
            f"JAX finds no such thing as {what}",
            "leave --device out to compute on the processor; a GPU needs its own build of jaxlib "
            "(`pip install 'jax[cuda13]'`)",
        ) from error
    if len(there) < machines.devices:
        kind = "core" if there[0].platform == "cpu" else there[0].platform.upper()
        raise failure(
            "H534",
            f"{machines.devices} devices are asked for, and there "
            f"{f'is 1 {kind}' if len(there) == 1 else f'are {len(there)} {kind}s'}",
            f"`--devices {len(there)}` uses what is there",
        )
    return jax.process_index() == 0


def _verify(machines: Machines, method: str, backend: str) -> None:
    """Nothing where a fit can be made on such machines, a ValueError otherwise."""
    if machines.many and backend != "numpyro":
        raise ValueError("rows are shared among devices by the NumPyro file: leave backend out")
    if machines.distributed and method != "nuts":
        raise ValueError(f"only nuts is distributed over processes, not {method!r}: use --devices")


def _meet(machines: Machines) -> None:
    """Joins the other processes."""
    import jax

    if jax.distributed.is_initialized():
        return
    where = machines.coordinator or os.environ.get("JAX_COORDINATOR_ADDRESS")
    count = _number(machines.processes, "JAX_NUM_PROCESSES")
    own = _number(machines.process, "JAX_PROCESS_ID")
    with suppress(AttributeError):  # SIGTERM ends the process, as it does everywhere
        jax.config.update("jax_enable_preemption_service", False)
    try:
        jax.distributed.initialize(where, count, own)
    except Exception as error:  # whatever the network and the scheduler may raise
        said = str(error).strip().splitlines()
        raise failure(
            "H535",
            f"the processes do not find each other: {said[0] if said else type(error).__name__}",
            "say on every host where they meet, how many they are and which this one is: "
            "`--distributed --coordinator HOST:PORT --processes 2 --process 0`",
        ) from error


def _number(given: int | None, name: str) -> int | None:
    text = os.environ.get(name, "")
    return int(text) if given is None and text.isdigit() else given


def on_devices[T](arrays: T) -> T:
    """Arrays, however nested, on the device that computes; those that lie on many stay there."""
    import jax

    leaves = jax.tree.leaves(arrays)
    shared = any(isinstance(leaf, jax.Array) and len(leaf.devices()) > 1 for leaf in leaves)
    placed: T = arrays if shared else jax.device_put(arrays)
    return placed


@dataclass(frozen=True)
class Shares:
    """Rows over devices: arrays with an entry for each of ``rows``, those of ``keys``, are shared.

    The devices have equal parts: arrays are made longer by copies of their last entry, and inside
    the program cut to their length again, so that nothing is computed of the copies.
    """

    devices: tuple[Any, ...]
    keys: frozenset[str]
    rows: int

    def sharding(self, *axes: str) -> Any:
        """The layout of an array whose first axes lie along the mesh."""
        from jax.sharding import Mesh, NamedSharding, PartitionSpec

        return NamedSharding(Mesh(np.array(self.devices), (AXIS,)), PartitionSpec(*axes))

    def placed(self, arrays: Mapping[str, Numbers]) -> dict[str, Any]:
        """The arrays on the devices, in every process its own part of the rows."""
        return {name: self._placed(name, np.asarray(value)) for name, value in arrays.items()}

    def _placed(self, name: str, value: Numbers) -> Any:
        import jax

        if not self._shared(name, value):
            sharding = self.sharding()
        else:
            sharding = self.sharding(AXIS)
            missing = -len(value) % len(self.devices)
            value = np.concatenate([value, np.repeat(value[-1:], missing, axis=0)])
        return jax.make_array_from_callback(value.shape, sharding, lambda part: value[part])

    def _shared(self, name: str, value: Any) -> bool:
        return name in self.keys and len(value) >= self.rows

    def cut(self, arrays: Mapping[str, Any]) -> dict[str, Any]:
        """The arrays in their own length; traced."""
        return {
            name: value[: self.rows] if self._shared(name, value) else value
            for name, value in arrays.items()
        }

    def target(self, target: Target) -> Target:
        """The density with its rows shared."""

        def among[**P, T](function: Callable[..., T]) -> Callable[..., T]:
            return lambda arrays, *rest: function(self.cut(arrays), *rest)

        return replace(
            target,
            potential=among(target.potential),
            place=among(target.place),
            arguments=self.placed(target.arguments),
            everywhere=self.sharding(),
        )

    def problem(self, problem: Problem) -> Problem:
        """The density and the data of a method with their rows shared."""

        def merged(arrays: Mapping[str, Any]) -> dict[str, Any]:
            return problem.merged(self.cut(arrays))

        return replace(problem, target=self.target(problem.target), merged=merged)


def shares_of(machines: Machines, keys: Iterable[str], rows: int) -> Shares | None:
    """How rows are shared on the machines; None where there is but one device."""
    if not machines.many:
        return None
    import jax

    devices = tuple(
        device
        for process in range(jax.process_count())
        for device in [d for d in jax.devices() if d.process_index == process][: machines.devices]
    )
    return Shares(devices, frozenset(keys), rows)
