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
from hdsl.fit.draws import Numbers, Settings
from hdsl.fit.methods.approach import BENT, FREE, Approach, Course, arrow_of, first_state, no_elbo
from hdsl.fit.methods.approximation import Approximation, Problem
from hdsl.fit.methods.ascent import Machine, State, begun
from hdsl.fit.methods.beginning import near_laplace, start_of
from hdsl.fit.methods.guide import Noise, noise
from hdsl.fit.methods.objective import batches_of
from hdsl.fit.methods.ordered import ordered
from hdsl.fit.methods.trust import examine
from hdsl.fit.progress import Reporter

CHUNK = 50
"""Steps between two looks at the ELBO; its mean over them is the smoothed one."""

TOLERANCE, PER_NUMBER = 0.05, 1e-4
"""The ELBO, in nats, has stopped rising where a chunk adds less than this and so much a number."""

PARTICLE_ROWS, MOST_PARTICLES = 20_000, 8
MOST_FALLS = 10
FALL, FALL_PER_NUMBER = 10.0, 0.1
"""Steps that fall so far below the best ELBO so far, that of the leaps judged by few draws, are
taken back; further ones are half as long.
"""

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
    falls: int = 0
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
    course: Course = field(default_factory=Course)
    _said: float = field(default_factory=time.perf_counter)

    def begin_near(self, start: Numbers) -> None:
        """Begins with leaps of all numbers, scales included, from a point near the best."""
        self.state = first_state(self.machine, start)
        self.course = Course(FREE, bends=BENT - 1)
        self.journey.stage = FIRST_WHOLE
        if self.stream.due:
            self.save()

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
        while self.journey.chunk < stage.chunks and self.journey.falls <= MOST_FALLS:
            self._chunk(stage)
            if self.stream.due:
                self.save()
            if self.journey.settled(self.machine.problem.target.size):
                return

    def _begin(self, stage: Stage) -> None:
        """Adam forgets what it knew; the first stage that reads all rows begins after leaps."""
        if self.machine.whitens:
            approach = Approach(self.machine, self.settings.seed, self._say, self.course)
            if stage.batches:
                self.state = approach.first(self.state)
            if self.journey.stage == FIRST_WHOLE:
                self.state = approach.run(self.state, self._leapt)
                self.journey.leapt = self.course.elbo
        self.state = self.state._replace(climb=begun(self.state.climb.parameters))

    def _leapt(self, state: State) -> None:
        """Takes note of a leap."""
        self.state = state
        if self.stream.due:
            self.save()

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
            self.state,
            machine.arguments,
            machine.places,
            noises,
            rows,
            stage.rate * 0.5**journey.falls,
        )
        known = np.asarray(elbos)[np.isfinite(elbos)]
        if len(known) < CHUNK // 2 or (rows is None and known.mean() < self._lowest):
            self._fallen()
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

    @property
    def _lowest(self) -> float:
        """What steps over all rows may not fall below."""
        known = [e for stage, e, _ in self.journey.trace if stage >= FIRST_WHOLE]
        slack = FALL + FALL_PER_NUMBER * self.machine.problem.target.size
        return max([self.journey.leapt, *known]) - slack

    def _fallen(self) -> None:
        """Begins again with shorter steps and, before any came to an end, with a narrower guide,
        whose tails are not where the density overflows; an error where that leads nowhere.
        """
        journey, climb = self.journey, self.state.climb
        journey.falls += 1
        if journey.falls > MOST_FALLS and not journey.trace:
            raise no_elbo(journey.steps)
        parts = climb.parameters
        if not journey.trace:
            narrow = np.log(2.0)
            parts = tuple(p._replace(log_diagonal=p.log_diagonal - narrow) for p in parts)
        self.state = self.state._replace(climb=begun(parts))

    def _say(self, text: str) -> None:
        now = time.perf_counter()
        if now - self._said > SECONDS_SAID:
            self._said = now
            self.reporter.stage(text)

    def save(self) -> None:
        """Writes the checkpoint, if there is something to go on from."""
        journey, course = self.journey, self.course
        if not journey.trace and not course.leaps and course.phase != FREE:
            return
        leaves = {f"leaf{i}": leaf for i, leaf in enumerate(jax.tree.leaves(self.state))}
        leaves |= {f"block{i}": leaf for i, leaf in enumerate(jax.tree.leaves(course.blocks))}
        at = (journey.stage, journey.chunk, journey.void, journey.falls)
        leaps = (course.phase, course.leaps, course.bends, course.idle)
        numbers = {"at": at, "leaps": leaps, "elbos": (journey.leapt, course.elbo)}
        trace = np.array(journey.trace).reshape(-1, 3)
        saved = {name: np.asarray(each) for name, each in {**leaves, **numbers}.items()}
        self.stream.save({"trace": trace, **saved})

    def restore(self) -> bool:
        """Goes on from the checkpoint, if there is one."""
        saved = self.stream.restored()
        if saved is None:
            return False
        values = saved.state
        leaves, tree = jax.tree.flatten(self.state)
        found = [jnp.asarray(values[f"leaf{i}"]) for i in range(len(leaves))]
        self.state = jax.tree.unflatten(tree, found)
        blocks = None
        if "block0" in values:
            leaves, tree = jax.tree.flatten(self.machine.blocks_of(self.state))
            found = [jnp.asarray(values[f"block{i}"]) for i in range(len(leaves))]
            blocks = jax.tree.unflatten(tree, found)
        leapt, elbo = (float(each) for each in values["elbos"])
        phase, leaps, bends, idle = (int(each) for each in values["leaps"])
        self.course = Course(phase, leaps, bends, idle, elbo, blocks)
        stage, chunk, void, falls = (int(each) for each in values["at"])
        trace = [(int(s), float(e), float(r)) for s, e, r in values["trace"]]
        self.journey = Journey(stage, chunk, trace, void, falls, leapt)
        return True


def svi(problem: Problem, settings: Settings, reporter: Reporter) -> Approximation:
    """Independent draws from the guide that variational inference has fitted."""
    start = start_of(problem)
    arrow, whitens = arrow_of(problem, start)
    stream = problem.checkpoints.stream("svi", reporter.note)
    quick = None if problem.target.everywhere is not None else ordered(problem)
    machine = Machine(problem, arrow, whitens, batches_of(problem, start), quick)
    ascent = Ascent(machine, settings, reporter, stream, first_state(machine, start))
    if not ascent.restore() and whitens:
        near = near_laplace(problem, settings, reporter)
        if near is not None:
            ascent.begin_near(near)
    reporter.stage("svi: compiling")
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
    return (
        journey.stage > number and journey.falls <= MOST_FALLS and len(own) < STAGES[number].chunks
    )
