"""The log density of a hierarchy as a sum: a term for each group of its finest level, and the rest.

A group's term holds all that its own numbers have a say in: their prior given what is above them,
and the likelihood of the group's rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hdsl.fit.draws import Numbers
from hdsl.fit.methods.approximation import Problem
from hdsl.fit.methods.arrow import Arrow
from hdsl.fit.methods.blocks import Array
from hdsl.fit.methods.local import log_terms


@dataclass(frozen=True)
class Terms:
    """Which group of the finest tier each number, and each row with an outcome, belongs to.

    ``group_of`` is by number of the vector, the number of groups for those of no group.
    """

    problem: Problem
    level: str
    groups: int
    group_of: Numbers
    group_of_row: Numbers

    def split(self, arguments: Any, z: Array, more: Array) -> tuple[Array, Array]:
        """Each group's term, and the rest; ``more`` is added to the terms number by number."""
        given = {key: arguments[key] for key in self.problem.target.arguments}
        vectors = self.problem.layout.split(z)
        sites = {site.name: site for site in self.problem.structure.sites}
        total = jax.ops.segment_sum(more, jnp.asarray(self.group_of), self.groups + 1)
        for name, density in log_terms(self.problem)(given, vectors).items():
            if name in sites:
                where = self.group_of[sites[name].indices].reshape(*density.shape, -1)[..., 0]
            else:
                where = self._of_rows(name, density.shape, self.problem.merged(given))
            total += jax.ops.segment_sum(
                density.reshape(-1), jnp.asarray(where).reshape(-1), self.groups + 1
            )
        return total[:-1], total[-1]

    def _of_rows(self, name: str, shape: tuple[int, ...], data: Mapping[str, Any]) -> Any:
        """The group of each term of an outcome."""
        _, seen = self.problem.outcomes.get(name, ("", None))
        groups = self.group_of_row if seen is None else jnp.asarray(self.group_of_row)[data[seen]]
        if groups.shape == shape:
            return groups
        return np.full(shape, self.groups)  # an outcome of groups, or of the population


def terms_of(problem: Problem, arrow: Arrow) -> Terms | None:
    """The terms of a problem; None where it is no hierarchy, or too small a one."""
    if not arrow.tiers or arrow.tiers[0].level not in problem.structure.levels:
        return None
    tier = arrow.tiers[0]
    group_of = np.full(arrow.size + 1, tier.groups)
    group_of[tier.index] = np.arange(tier.groups)[:, None]
    level = problem.structure.levels[tier.level]
    return Terms(problem, tier.level, tier.groups, group_of[: arrow.size], level.of_row)
