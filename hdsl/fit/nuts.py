"""The No-U-Turn sampler of NumPyro, driven in blocks: progress, interruption, partial results.

One chain is one thread, and all chains run one compiled program: XLA lets go of the
interpreter while it computes, so that four chains keep two cores busy without four devices
and four compilations (measured on radon with two cores: threads 3.4 s, `pmap` 4.0 s, one chain
after the other 8.3 s, all in one vector 6.2 s and twice the compilation).

It knows a density and where to start, not models: both backends' densities are sampled by it.
A chain's state goes to its checkpoint between blocks (see ``checkpoint``), and as the draws depend
on the seed alone, a chain that goes on from there draws what it would have drawn.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hdsl.fit.checkpoint import NOWHERE, Checkpoints, Stream
from hdsl.fit.devices import on_devices
from hdsl.fit.draws import MAX_TREE_DEPTH, NoStartError, Numbers, Settings
from hdsl.fit.programs import Compiler
from hdsl.fit.progress import ChainState, Reporter
from hdsl.fit.starts import best_start, noise_of

type Arrays = Mapping[str, Any]  # named arrays, of NumPy or of JAX, traced or not

DENSE = 32
"""Up to so many numbers their correlations are learned along with their scales: effective sizes
rise 2 to 9 times on regressions with raw predictors, and fall on models with many group effects."""

BLOCK = 100  # draws per call at most
BLOCK_VALUES = 2_000_000  # numbers per call at most
ALL_DAY = 86_400.0  # seconds
SECONDS_PER_BLOCK = 0.2  # how often a chain shows its progress and can be stopped


@dataclass(frozen=True)
class Target:
    """A density to sample: ``potential(arguments, z)`` is minus its log at the unconstrained z.

    A point is one vector of ``size`` numbers: NUTS on a dictionary of sites takes 1.5 times as
    long to run and 1.2 times as long to compile. ``place(arguments, noise, centre, spread)`` is
    a point to start from: the prior's centre, weighted, plus standard normal noise, weighted.
    ``metric``: the scales of its numbers are to be learned; else they are about 1. ``everywhere``
    is the layout of all but the arguments where these lie on many devices.
    """

    potential: Callable[[Arrays, Any], Any]
    place: Callable[[Arrays, Any, Any, Any], Any]
    arguments: Arrays
    size: int
    metric: bool = True
    everywhere: Any = None


@dataclass(frozen=True)
class Sampled:
    """Unconstrained draws and statistics, (chain, draw, …); ``complete`` unless interrupted.

    ``stopped`` says that Ctrl-C was typed, be it so late that every draw is there.
    """

    z: Numbers
    stats: Mapping[str, Numbers]
    complete: bool
    stopped: bool = False


@dataclass
class _Chain:
    """Where one chain's thread stands, and what it has drawn so far."""

    at: Any  # the leaves of the sampler's state
    stream: Stream
    blocks: list[tuple[Numbers, Mapping[str, Numbers]]] = field(default_factory=list)
    state: ChainState = field(default_factory=ChainState)
    error: BaseException | None = None


@dataclass(frozen=True)
class Program:
    """The two compiled functions of a run and the shapes of a chain's state."""

    start: Future[Callable[..., Any]]
    block: Future[Callable[..., Any]]
    size: int  # draws that a block holds at most
    state: Any


def compile_program(target: Target, settings: Settings, compiler: Compiler) -> Program:
    """Starts to compile the sampler for a target; comes back before it is compiled."""
    size = int(np.clip(BLOCK_VALUES // max(target.size, 1), 1, BLOCK))
    steps = _Steps(target, settings, size)
    where = target.everywhere
    state = [
        jax.ShapeDtypeStruct(*leaf, sharding=where)
        for leaf in compiler.kept.fact("state", steps.shapes)
    ]
    block = (target.arguments, state, 0)
    return Program(
        block=compiler.submit(steps.block, *block, name="block", everywhere=where),
        start=compiler.submit(
            steps.traced_start, *steps.example, name="start", everywhere=where, once=True
        ),
        size=size,
        state=state,
    )


class _Steps:
    """The functions of a sampler. A state goes in and out of them as its leaves, all of them plain
    numbers: so a program that is kept can be used before NumPyro is imported.
    """

    def __init__(self, target: Target, settings: Settings, size: int) -> None:
        self._target = replace(target, potential=_in_one_piece(target.potential))
        self._settings = settings
        self._size = size
        self._tree: Any = None  # of the state, known once ``start`` is traced
        self._keys: frozenset[int] = frozenset()  # of its leaves, the keys of random numbers

    @cached_property
    def _sampler(self) -> tuple[Any, Any]:
        from numpyro.infer.hmc import hmc

        potential = self._target.potential
        found: tuple[Any, Any] = hmc(potential_fn_gen=lambda a: lambda z: potential(a, z))
        return found

    @property
    def example(self) -> tuple[Any, ...]:
        """Arguments of ``start``."""
        noise = noise_of(self._target, self._settings, 0)
        return self._target.arguments, noise, np.uint32(0), np.uint32(0)

    @cached_property
    def traced_start(self) -> Any:
        """``start``, traced once for all who ask."""
        return jax.jit(self.start)

    def shapes(self) -> list[tuple[tuple[int, ...], str]]:
        """Shape and type of each leaf of a state."""
        state = self.traced_start.eval_shape(*self.example)[0]
        return [(leaf.shape, leaf.dtype.name) for leaf in state]

    def start(self, arguments: Arrays, noise: Any, seed: Any, chain: Any) -> Any:
        """A chain's state before its first step, whether its density is finite, and its point."""
        point, fine = best_start(self._target, arguments, noise)
        state = self._sampler[0](
            point,
            self._settings.warmup,
            step_size=1.0 if self._target.metric else self._target.size**-0.25,  # near the best
            adapt_mass_matrix=self._target.metric,
            dense_mass=self._target.metric and self._target.size <= DENSE,
            target_accept_prob=self._settings.target_accept,
            max_tree_depth=MAX_TREE_DEPTH,
            model_args=(arguments,),
            rng_key=jax.random.fold_in(jax.random.key(seed), chain),
        )
        leaves, self._tree = jax.tree.flatten(state)
        self._keys = frozenset(i for i, leaf in enumerate(leaves) if _is_key(leaf))
        return self._numbers(state), fine, state.z

    def _numbers(self, state: Any) -> list[Any]:
        leaves = enumerate(jax.tree.leaves(state))
        return [jax.random.key_data(leaf) if i in self._keys else leaf for i, leaf in leaves]

    def block(self, arguments: Arrays, leaves: Any, count: Any) -> Any:
        """A chain's state after ``count`` steps, and of each step the point and statistics."""
        if self._tree is None:
            self.shapes()
        state = self._tree.unflatten(
            jax.random.wrap_key_data(leaf) if i in self._keys else leaf
            for i, leaf in enumerate(leaves)
        )

        def step(i: Any, carried: Any) -> Any:
            state, kept = carried
            state = self._sampler[1](state, (arguments,))
            new = (state.z, _statistics(state))
            return state, jax.tree.map(lambda rows, row: rows.at[i].set(row), kept, new)

        empty = jax.tree.map(
            lambda leaf: jnp.zeros((self._size, *leaf.shape), leaf.dtype),
            (state.z, _statistics(state)),
        )
        state, kept = jax.lax.fori_loop(0, count, step, (state, empty))
        return self._numbers(state), kept


def _in_one_piece(potential: Callable[[Arrays, Any], Any]) -> Callable[[Arrays, Any], Any]:
    """The potential, its gradient computed with it and kept apart from the code around: else XLA
    writes parts of it again into each of the many places that use it (a third more to compile).
    """

    @jax.custom_vjp
    def whole(arguments: Arrays, z: Any) -> Any:
        return potential(arguments, z)

    def forward(arguments: Arrays, z: Any) -> tuple[Any, Any]:
        z = jax.lax.optimization_barrier(z)
        found = jax.value_and_grad(potential, argnums=1)(arguments, z)
        value, gradient = jax.lax.optimization_barrier(found)
        return value, gradient

    whole.defvjp(forward, lambda gradient, slope: (None, slope * gradient))
    return whole


def _statistics(state: Any) -> dict[str, Any]:
    """What ArviZ calls the statistics of a draw, by ArviZ's names."""
    steps = state.num_steps
    return {
        "lp": -state.potential_energy,
        "energy": state.energy,
        "acceptance_rate": state.accept_prob,
        "diverging": state.diverging,
        "n_steps": steps,
        "tree_depth": jnp.ceil(jnp.log2(steps + 1.0)).astype(steps.dtype),
        "step_size": state.adapt_state.step_size,
    }


def sample(
    target: Target,
    settings: Settings,
    program: Program,
    reporter: Reporter,
    checkpoints: Checkpoints = NOWHERE,
) -> Sampled:
    """Draws by all chains at once. Ctrl-C ends it early and keeps what every chain has.

    The draws depend on the seed alone, never on the sizes of blocks or on who watches, nor on how
    often a kill made it begin again from its checkpoints.
    """
    start, block = program.start.result(), program.block.result()
    arguments = on_devices(target.arguments)
    chains = []
    for number in range(settings.chains):
        stream = checkpoints.stream(f"chain-{number}", reporter.note)
        chain = _restored(stream, program.state)
        if chain is None:
            noise = noise_of(target, settings, number)
            state, fine, z = start(arguments, noise, np.uint32(settings.seed), np.uint32(number))
            if not fine:
                raise NoStartError(at=np.asarray(z))
            chain = _Chain(state, stream)
        chains.append(chain)
    stop = threading.Event()
    rest = (arguments, block, program.size, settings, stop)
    # a second Ctrl-C need not wait for a slow step: the threads are no reason to stay
    if target.everywhere is None:
        threads = [
            threading.Thread(target=_run_chain, args=(c, *rest), daemon=True) for c in chains
        ]
    else:
        threads = [threading.Thread(target=_run_in_turn, args=(chains, *rest), daemon=True)]
    interrupted = _watch(threads, chains, stop, settings, reporter)
    return _gather(chains, settings, interrupted)


def _run_in_turn(
    chains: list[_Chain],
    arguments: Arrays,
    block: Callable[..., Any],
    size: int,
    settings: Settings,
    stop: threading.Event,
) -> None:
    """One chain after the other, in blocks that no clock decides on: devices that share the rows
    wait for each other, so that each process must do the same things in the same order.
    """
    for chain in chains:
        _run_chain(chain, arguments, block, size, settings, stop, seconds=ALL_DAY)


def _run_chain(
    chain: _Chain,
    arguments: Arrays,
    block: Callable[..., Any],
    size: int,
    settings: Settings,
    stop: threading.Event,
    seconds: float = SECONDS_PER_BLOCK,
) -> None:
    """Draws until the chain is complete or told to stop; blocks last about so many seconds."""
    total, count = settings.warmup + settings.draws, 1
    try:
        while chain.state.done < total and not stop.is_set():
            done = chain.state.done
            warming = done < settings.warmup
            count = min(count, size, (settings.warmup if warming else total) - done)
            began = time.perf_counter()
            chain.at, kept = block(arguments, chain.at, count)
            divergences = chain.state.divergences
            if warming:
                jax.block_until_ready(chain.at)
            else:
                points, stats = jax.tree.map(lambda rows, n=count: np.array(rows)[:n], kept)
                chain.blocks.append((points, stats))
                chain.stream.add({"z": points, **stats})
                divergences += int(stats["diverging"].sum())
            took = max(time.perf_counter() - began, 1e-6)
            chain.state = ChainState(done + count, divergences)
            if chain.stream.due:
                _keep(chain)
            count = max(1, min(2 * count, int(count * seconds / took)))
        if chain.stream.saved or (chain.blocks and stop.is_set()):
            _keep(chain)
    except BaseException as error:  # handed to the thread that waits
        chain.error = error
        stop.set()


def _keep(chain: _Chain) -> None:
    """Writes the chain's checkpoint."""
    leaves = {f"leaf{i}": np.asarray(leaf) for i, leaf in enumerate(chain.at)}
    chain.stream.save({"done": np.asarray(chain.state.done), **leaves})


def _restored(stream: Stream, shapes: Any) -> _Chain | None:
    """The chain as its checkpoint has it, None where there is none."""
    saved = stream.restored()
    if saved is None:
        return None
    values = [jnp.asarray(saved.state[f"leaf{i}"], shape.dtype) for i, shape in enumerate(shapes)]
    blocks: list[tuple[Numbers, Mapping[str, Numbers]]] = [
        (rows["z"], {name: rows[name] for name in rows if name != "z"}) for rows in saved.rows
    ]
    divergences = sum(int(stats["diverging"].sum()) for _, stats in blocks)
    state = ChainState(int(saved.state["done"]), divergences)
    return _Chain(values, stream, blocks, state)


def _is_key(leaf: Any) -> bool:
    """Whether a leaf of a state is a key of random numbers, which NumPy does not know."""
    return bool(jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key))


def _watch(
    threads: list[threading.Thread],
    chains: list[_Chain],
    stop: threading.Event,
    settings: Settings,
    reporter: Reporter,
) -> bool:
    """Waits for the chains, passing on how far they are; True where Ctrl-C ended the wait."""
    interrupted = False
    reporter.begin(settings.chains, settings.warmup, settings.draws)
    try:
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            try:
                for thread in threads:
                    thread.join(0.1 / len(threads))
                for number, chain in enumerate(chains):
                    reporter.update(number, chain.state)
            except KeyboardInterrupt:
                if interrupted:
                    raise
                interrupted = True
                stop.set()
        for number, chain in enumerate(chains):
            reporter.update(number, chain.state)
    finally:
        stop.set()
        reporter.end()
    for chain in chains:
        if chain.error is not None:
            raise chain.error
    return interrupted


def _gather(chains: list[_Chain], settings: Settings, interrupted: bool) -> Sampled:
    """The draws of all chains, as long as the shortest."""
    length = min(chain.state.done for chain in chains) - settings.warmup
    if length <= 0 and interrupted:
        raise KeyboardInterrupt
    joined = [
        jax.tree.map(lambda *leaves: np.concatenate(leaves)[:length], *chain.blocks)
        for chain in chains
    ]
    z, stats = jax.tree.map(lambda *leaves: np.stack(leaves), *joined)
    return Sampled(z, stats, complete=length == settings.draws, stopped=interrupted)
