"""What a method is given and what it hands over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hdsl.fit.checkpoint import Checkpoints
from hdsl.fit.draws import Numbers
from hdsl.fit.layout import Layout
from hdsl.fit.methods.structure import Structure

if TYPE_CHECKING:
    from hdsl.fit.nuts import Target


@dataclass(frozen=True)
class Problem:
    """A density and how it is built.

    ``target.potential(target.arguments, z)`` is minus the log density of the unconstrained vector,
    Jacobian included, up to nothing: constants are kept. ``model`` is the NumPyro model, a function
    of prepared data; ``merged`` makes those of ``target.arguments`` (traced or not), so that a
    method may trace the model itself: other rows, other weights. A method that takes long keeps its
    state in ``checkpoints`` and goes on from there. ``outcomes`` has by site the key of what was
    observed and, where some rows have no outcome, that of the rows that have one.
    """

    target: Target
    layout: Layout
    structure: Structure
    model: Callable[[Mapping[str, Any]], Any]
    merged: Callable[[Mapping[str, Any]], dict[str, Any]]
    checkpoints: Checkpoints = field(default_factory=Checkpoints)
    outcomes: Mapping[str, tuple[str, str | None]] = field(default_factory=dict)


@dataclass(frozen=True)
class Approximation:
    """Unconstrained draws ``z`` (chain, draw, size) that are independent of each other.

    ``stats`` are numbers by draw (chain, draw), at least ``lp``, the log density. ``notes`` are
    sentences for the user. ``diagnostics`` go to ``run.json`` and to the verdict: numbers, lists
    and texts; ``khat`` is the Pareto shape of the importance ratios (None where it is not known),
    ``trusted`` whether the method's own checks were passed, ``checked`` whether there were any
    (without it: where there is a k-hat, or a check failed). ``complete`` unless interrupted.
    """

    z: Numbers
    stats: Mapping[str, Numbers]
    notes: tuple[str, ...] = ()
    diagnostics: Mapping[str, Any] = field(default_factory=dict)
    complete: bool = True
