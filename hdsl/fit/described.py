"""What `run.json` says of a model to those who show the run: what to show, what to change."""

from __future__ import annotations

from math import prod

from hdsl.expr import ROW
from hdsl.families import FAMILIES
from hdsl.fit.draws import Draws
from hdsl.fit.naming import model_name
from hdsl.fit.statistics import moving
from hdsl.ir import model as ir
from hdsl.ir.uses import values

SMALL = 12
"""A parameter over a level counts as population-level up to so many members."""

COLUMNS = 60
"""One over the columns of a block counts as population-level up to so many."""


def population(model: ir.Model, drawn: Draws, order: tuple[str, ...]) -> list[str]:
    """The names of what does not vary over groups: single numbers and small sets of parameters.

    Those that the model fixes at a number are left out.
    """
    blocks = {level.name for level in model.levels.values() if level.kind is ir.LevelKind.BLOCK}
    most = {
        node.name: COLUMNS if blocks.issuperset(node.domain) else SMALL
        for node in model.nodes
        if isinstance(node, ir.Parameter) and ROW not in node.domain
    }
    sizes = {
        model_name(n): prod(draws.shape[2:])
        for n, draws in drawn.posterior.items()
        if moving(draws).any()
    }
    ordered = [n for n in map(model_name, order) if n in sizes]
    return [n for n in ordered if sizes[n] <= most.get(n, 1)]


def centrings(model: ir.Model) -> list[str]:
    """Which of `centered` and `noncentered` would change something if it were written."""
    found = {
        "centered" if not node.centred else "noncentered"
        for node in model.nodes
        if isinstance(node, ir.Deviations) or (isinstance(node, ir.Parameter) and _is_either(node))
    }
    return sorted(found)


def _is_either(parameter: ir.Parameter) -> bool:
    """Whether a parameter over a level may be drawn in units of a scale that is learned."""
    written = parameter.distribution
    family = FAMILIES.get(written.family)
    scale = dict(written.arguments).get("sigma")
    return (
        bool(parameter.domain)
        and family is not None
        and family.is_location_scale
        and parameter.transform is None
        and not parameter.pinned
        and not parameter.increasing
        and scale is not None
        and bool(values(scale))
    )
