"""Takes draws of a transformed outcome back to the scale of the data."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from hdsl.data.column import Column
from hdsl.data.evaluate import Evaluator
from hdsl.expr import Value
from hdsl.families.links import link_of
from hdsl.fit.draws import Numbers
from hdsl.ir.model import Model, Transform
from hdsl.source import Source

_NOTHING = Model(None, MappingProxyType({}), (), (), Source(""))


def invert(transform: Transform, values: Numbers) -> Numbers:
    """The values whose function the given ones are, by the row that the link has in the families.

    >>> invert(Transform("log"), np.array([0.0])).tolist()
    [1.0]
    """
    expr = link_of(transform.link, transform.power).invert(Value("x"))
    column = Column((), np.asarray(values, dtype=float), np.array(False))
    found = np.asarray(Evaluator(_NOTHING, {}, {"x": column}).at(expr, ()).numbers)
    return -found if transform.negated else found
