"""Stochastic variational inference with a guide that is shaped by the model's graph.

Leaps along the natural gradient bring it near (``approach``), after steps on batches of rows where
there are many (``objective``). Then the evidence lower bound (ELBO) is climbed by Adam along
reparametrised gradients that stick to the landing, in stages of ever smaller steps; each ends where
the smoothed ELBO has stopped rising. Last the draws are compared with the posterior (``trust``).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from hdsl.fit.checkpoint import Stream
from hdsl.fit.draws import Settings
from hdsl.fit.methods.approach import Approach, arrow_of, first_state, no_elbo, start_of
from hdsl.fit.methods.approximation import Approximation, Problem
from hdsl.fit.methods.ascent import Machine, State, begun
from hdsl.fit.methods.guide import Noise, noise
from hdsl.fit.methods.objective import batches_of
from hdsl.fit.methods.trust import examine
from hdsl.fit.progress import Reporter

CHUNK = 50
"""Steps between two looks at the ELBO; its mean over them is the smoothed one."""

TOLERANCE, PER_NUMBER = 0.05, 1e-4
"""The ELBO, in nats, has stopped rising where a chunk adds less than this and so much a number."""

PARTICLE_ROWS, MOST_PARTICLES = 20_000, 8
MOST_SHRINKS = 10
FALL, FALL_PER_NUMBER = 10.0, 0.1
"""The first steps may fall so far below the ELBO of the leaps, which few draws have judged."""

VOID = 0.02
"""So many of the steps may be void, for want of a finite density, before the user is told."""

SECONDS_SAID = 5.0


class Stage(NamedTuple):
    """One stage: the rate of its steps (in whitened numbers, about in sds), and how long at most.

    One of ``batches`` is for problems with many rows, and comes before the leaps (``approach``).
    """

    rate: float
    chunks: int
    batches: bool = False


STAGES = (
    Stage(0.1, 10, batches=True),
    Stage(0.03, 60),
    Stage(0.01, 60),
    Stage(0.003, 60),
    Stage(0.001, 20),
)
FIRST_WHOLE = 1
"""The first stage that reads all rows."""


@dataclass
class Journey:
    """The course of an optimisation: its stage, the chunks done in it, and the smoothed ELBOs."""

    stage: int = 0
    chunk: int = 0
    trace: list[tuple[int, float, float]] = field(default_factory=list)  # stage, ELBO, its error
    void: int = 0  # steps whose ELBO was not finite
    shrunk: int = 0
    leapt: float = -np.inf  # the ELBO of the leaps

    @property
    def steps(self) -> int:
        """Steps so far."""
        return CHUNK * len(self.trace)

    def settled(self, size: int) -> bool:
        """Whether the ELBO has stopped rising in this stage: two chunks in a row added less than
        chance may.
        """
        own = [(elbo, error) for stage, elbo, error in self.trace if stage == self.stage]
        if len(own) < 3:
            return False
        best = max(elbo for elbo, _ in own[:-2])
        slack = TOLERANCE + PER_NUMBER * size
        return all(elbo < best + max(slack, 2 * error) for elbo, error in own[-2:])


@dataclass
class Ascent:
    """The optimisation of one problem, from its start to where the ELBO rises no more."""

    machine: Machine
    settings: Settings
    reporter: Reporter
    stream: Stream
    state: State
    journey: Journey = field(default_factory=Journey)
    _said: float = field(default_factory=time.perf_counter)

    def run(self) -> bool:
        """Climbs through all stages; whether it came to their end."""
        try:
            while self.journey.stage < len(STAGES):
                self._stage(STAGES[self.journey.stage])
                self.journey.stage, self.journey.chunk = self.journey.stage + 1, 0
        except KeyboardInterrupt:
            self.save()
            if self.journey.stage <= FIRST_WHOLE:  # it has not seen all rows for long
                raise
            return False
        finally:
            if self.stream.saved:
                self.save()
        return True

    def _stage(self, stage: Stage) -> None:
        if stage.batches and self.machine.batches is None:
            return
        if self.journey.chunk == 0:
            self._begin(stage)
        while self.journey.chunk < stage.chunks:
            self._chunk(stage)
            if self.stream.due:
                self.save()
            if self.journey.settled(self.machine.problem.target.size):
                return

    def _begin(self, stage: Stage) -> None:
        """Adam forgets what it knew; the first stage that reads all rows begins after leaps."""
        if self.machine.whitens:
            approach = Approach(self.machine, self.settings.seed, self._say)
            if stage.batches:
                self.state = approach.first(self.state)
            if self.journey.stage == FIRST_WHOLE:
                self.state, self.journey.leapt = approach.run(self.state)
        self.state = self.state._replace(climb=begun(self.state.climb.parameters))

    def _noise(self, draws: int, *of: int) -> Noise:
        return noise(self.machine.arrow, (self.settings.seed, draws, *of), draws)

    def _chunk(self, stage: Stage) -> None:
        machine, journey = self.machine, self.journey
        number = len(journey.trace) + 1
        count = self.particles
        drawn = self._noise(CHUNK * count, number, 1)
        noises = tuple(each.reshape(CHUNK, count, *each.shape[1:]) for each in drawn)
        rows = None
        if machine.batches is not None and stage.batches:
            rng = np.random.default_rng((self.settings.seed, number, 2))
            rows = np.stack([machine.batches.positions(rng) for _ in range(CHUNK)])
        state, elbos, void = machine.steps(
            self.state, machine.arguments, machine.places, noises, rows, stage.rate
        )
        known = np.asarray(elbos)[np.isfinite(elbos)]
        low = journey.leapt - FALL - FALL_PER_NUMBER * machine.problem.target.size
        if len(known) < CHUNK // 2 or (rows is None and known.mean() < low):
            self._shrink()
            return
        self.state = state
        journey.chunk += 1
        journey.void += int(void)
        error = float(known.std() / np.sqrt(len(known)))
        journey.trace.append((journey.stage, float(known.mean()), error))
        self._say(f"svi: step {journey.steps}, ELBO {journey.trace[-1][1]:.6g}")

    @property
    def particles(self) -> int:
        """Draws per step: several where the density is cheap."""
        rows = max(self.machine.problem.structure.rows, self.machine.problem.target.size)
        return int(np.clip(PARTICLE_ROWS // rows, 1, MOST_PARTICLES))

    def _shrink(self) -> None:
        """Begins again with a narrower guide, whose tails are not where the density overflows; an
        error where no width has a finite ELBO.
        """
        journey = self.journey
        journey.shrunk += 1
        if journey.shrunk > MOST_SHRINKS:
            raise no_elbo(journey.steps)
        parts = tuple(
            part._replace(log_diagonal=part.log_diagonal - np.log(2.0))
            for part in self.state.climb.parameters
        )
        self.state = self.state._replace(climb=begun(parts))

    def _say(self, text: str) -> None:
        now = time.perf_counter()
        if now - self._said > SECONDS_SAID:
            self._said = now
            self.reporter.stage(text)

    def save(self) -> None:
        """Writes the checkpoint, if there is something to go on from."""
        journey = self.journey
        if not journey.trace:
            return
        leaves = {
            f"leaf{i}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(self.state))
        }
        at = (journey.stage, journey.chunk, journey.void, journey.shrunk)
        leaves |= {"at": np.array(at), "leapt": np.array(journey.leapt)}
        self.stream.save({"trace": np.array(journey.trace), **leaves})

    def restore(self) -> bool:
        """Goes on from the checkpoint, if there is one."""
        saved = self.stream.restored()
        if saved is None:
            return False
        leaves, tree = jax.tree.flatten(self.state)
        values = [jnp.asarray(saved.state[f"leaf{i}"]) for i in range(len(leaves))]
        self.state = jax.tree.unflatten(tree, values)
        stage, chunk, void, shrunk = (int(each) for each in saved.state["at"])
        trace = [(int(s), float(e), float(r)) for s, e, r in saved.state["trace"]]
        leapt = float(saved.state["leapt"])
        self.journey = Journey(stage, chunk, trace, void, shrunk, leapt)
        return True


def svi(problem: Problem, settings: Settings, reporter: Reporter) -> Approximation:
    """Independent draws from the guide that variational inference has fitted."""
    start = start_of(problem)
    reporter.stage("svi: compiling")
    arrow, whitens = arrow_of(problem)
    machine = Machine(problem, arrow, whitens, batches_of(problem, start))
    stream = problem.checkpoints.stream("svi", reporter.note)
    ascent = Ascent(machine, settings, reporter, stream, first_state(machine, start))
    ascent.restore()
    complete = ascent.run()
    journey = ascent.journey
    reporter.stage(f"svi: {journey.steps} steps, ELBO {journey.trace[-1][1]:.6g}")
    return _approximation(ascent, complete)


def _approximation(ascent: Ascent, complete: bool) -> Approximation:
    machine, settings, journey = ascent.machine, ascent.settings, ascent.journey
    shape = (settings.chains, settings.draws)
    ascent.reporter.stage("svi: drawing and checking")
    trust = examine(machine, ascent.state, settings.chains * settings.draws, settings.seed)
    notes = list(trust.notes)
    if not _converged(journey):
        notes.append("the ELBO was still rising at the last step: the draws may be off")
    if journey.void > VOID * journey.steps:
        notes.append(f"the log density was not finite in {journey.void} of {journey.steps} steps")
    return Approximation(
        z=trust.z.reshape(*shape, -1),
        stats={"lp": trust.lp.reshape(shape)},
        notes=tuple(notes),
        diagnostics={
            "khat": trust.khat,
            **trust.figures,
            "trusted": trust.trusted and _converged(journey),
            "elbo": journey.trace[-1][1],
            "elbo_trace": [
                [CHUNK * (i + 1), round(e, 4)] for i, (_, e, _) in enumerate(journey.trace)
            ],
            "steps": journey.steps,
            "batch": machine.batches.size if machine.batches is not None else None,
            "blocks": {tier.level: [tier.groups, tier.width] for tier in machine.arrow.tiers},
            "full": len(machine.arrow.border),
        },
        complete=complete,
    )


def _converged(journey: Journey) -> bool:
    """Whether the stage before the last ended because the ELBO had settled."""
    number = len(STAGES) - 2
    own = [entry for entry in journey.trace if entry[0] == number]
    return journey.stage > number and len(own) < STAGES[number].chunks
