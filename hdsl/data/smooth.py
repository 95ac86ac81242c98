"""The data that smooth functions are of: they must differ between groups."""

from collections.abc import Iterator

import numpy as np

from hdsl.data.dataset import Dataset, counted_places
from hdsl.data.evaluate import NotDataError
from hdsl.data.problem import finding, number
from hdsl.diagnostics.diagnostic import Diagnostic
from hdsl.families import FAMILIES, Role
from hdsl.ir.model import Parameter
from hdsl.ir.text import text_of


def check_covariates(dataset: Dataset) -> Iterator[Diagnostic]:
    """The data that never vary and that a function is to be one of."""
    for node in dataset.model.nodes:
        if not isinstance(node, Parameter) or node.distribution.along is None:
            continue
        family = FAMILIES.get(node.distribution.family)
        roles = {} if family is None else {p.name: p.role for p in family.parameters}
        for argument, expr in node.distribution.arguments:
            if roles.get(argument) is not Role.COVARIATE:
                continue
            try:
                known = dataset.evaluator.at(expr, (node.distribution.along,)).known
            except NotDataError:
                continue
            if len(known) == 0 or np.ptp(known) > 0:
                continue
            places = counted_places((node.distribution.along,), len(known))
            yield finding(
                "H935",
                f"`{text_of(expr)}` never varies, and `{node.name}` is to be a function of it",
                expr.span,
                f"it is {number(float(known[0]))} in {places}",
                help=f"let `{node.name}` be one value, `{node.name} ~ 1`, or leave it out",
            )
