"""Short forms for the rows of the families table: parameters by role, spellings by form.

Knows roles and what they imply (supports, linked forms), no distribution.
"""

from collections.abc import Mapping

from hdsl.families.family import (
    POSITIVE,
    REAL,
    UNIT,
    FamilyParameter,
    Role,
    Spelling,
)
from hdsl.families.formula import formula
from hdsl.families.links import POSITIVE_LINKS, UNIT_LINKS

RESIDUAL_SCALE = "halfstudentt(4, sd({y}))"
"""Default of a residual scale: about the outcome's own spread, with a heavy tail (as Bambi)."""

SIZE_SCALE = "halfstudentt(4, mean({y}))"
"""Default of the scale of a positive outcome, where scale and size are one."""

OVERDISPERSION = "inversegamma(0.4, 0.3)"
"""Default of a shape whose inverse is a squared coefficient of variation: from strong dispersion
(1% below 0.1) to hardly any (11% above 100), as brms has it."""

Forms = Mapping[tuple[str, ...], Spelling]


def location(name: str, doc: str) -> FamilyParameter:
    """A parameter that may lie anywhere."""
    return FamilyParameter(name, REAL, Role.LOCATION, doc)


def positive_location(name: str, doc: str) -> FamilyParameter:
    """The mean of a distribution above zero."""
    return FamilyParameter(name, POSITIVE, Role.LOCATION, doc, POSITIVE_LINKS)


def scale(name: str, doc: str, default: str | None = RESIDUAL_SCALE) -> FamilyParameter:
    """A positive parameter in the units of the value."""
    return FamilyParameter(name, POSITIVE, Role.SCALE, doc, POSITIVE_LINKS, default)


def shape(name: str, doc: str, default: str | None) -> FamilyParameter:
    """A positive parameter without a unit."""
    return FamilyParameter(name, POSITIVE, Role.SHAPE, doc, POSITIVE_LINKS, default)


def rate(name: str, doc: str) -> FamilyParameter:
    """A positive parameter in units of one over the value."""
    return FamilyParameter(name, POSITIVE, Role.RATE, doc, POSITIVE_LINKS)


def probability(name: str, doc: str) -> FamilyParameter:
    """A parameter between 0 and 1."""
    return FamilyParameter(name, UNIT, Role.PROBABILITY, doc, UNIT_LINKS)


def spelling(constructor: str, arguments: str, helper: str | None = None, **slots: str) -> Spelling:
    """A spelling whose slots are written as formulas."""
    return Spelling(
        constructor, arguments, {name: formula(text) for name, text in slots.items()}, helper
    )
