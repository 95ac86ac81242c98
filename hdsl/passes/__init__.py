"""Passes: a model arranged for speed, each step keeping the posterior exactly."""

from collections.abc import Callable, Collection

from hdsl.ir.arranged import Arranged
from hdsl.ir.facts import Facts
from hdsl.ir.model import Model
from hdsl.passes.centre import centre
from hdsl.passes.integrate import integrate
from hdsl.passes.names import PASS_NAMES
from hdsl.passes.score import score

Pass = Callable[[Arranged, Facts | None], Arranged]

PASSES: dict[str, Pass] = dict(zip(PASS_NAMES, (integrate, centre, score), strict=True))
"""All passes by name, in the order in which they are applied."""


def arrange(model: Model, facts: Facts | None, without: Collection[str] = ()) -> Arranged:
    """The model after every pass but those named."""
    found = Arranged(model)
    for name, apply in PASSES.items():
        if name not in without:
            found = apply(found, facts)
    return found
