"""One column of the model in the data's values, over the domain where it lives."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdsl.data.table import Labels, Numbers
from hdsl.expr import Domain

type Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Column:
    """Numbers, or labels where the column is a factor, with a mask of what is missing.

    A column of domain () is a single number; its arrays have no axis.
    """

    domain: Domain
    values: Numbers | Labels
    missing: Mask

    @property
    def numbers(self) -> Numbers:
        """The values as floats; NaN where missing."""
        return np.where(self.missing, np.nan, self.values).astype(float)

    @property
    def known(self) -> Numbers:
        """The values that are not missing, in order."""
        return np.asarray(self.values[~self.missing], dtype=float)


def of_numbers(domain: Domain, values: Numbers) -> Column:
    """A column of numbers whose missing values are NaN."""
    return Column(domain, values, np.isnan(values))


def of_labels(domain: Domain, values: Labels) -> Column:
    """A column of labels whose missing values are None."""
    return Column(domain, values, np.array([value is None for value in values], dtype=bool))
