"""The distributions, functions and links of the language, as tables.

``FAMILIES``, ``FUNCTIONS`` and ``LINKS`` are the only places that know a distribution, a function
or a link; checks, backends, lints and the documentation read them from here.
"""

from collections.abc import Mapping
from types import MappingProxyType

from hdsl.families.arrays import ARRAYS, ArrayFunction
from hdsl.families.bounded import BOUNDED
from hdsl.families.code import Binding, Code
from hdsl.families.continuous import CONTINUOUS
from hdsl.families.discrete import DISCRETE
from hdsl.families.family import Categories, Family, FamilyParameter, Role, Spelling, Support
from hdsl.families.functions import FUNCTIONS, Function, Library, function_of
from hdsl.families.labelled import LABELLED
from hdsl.families.links import LINKS, Link, link_of
from hdsl.families.lookup import (
    Call,
    Natural,
    argument_names,
    called,
    folded,
    interval,
    likely,
    natural_family,
    parameter,
    plain_argument,
    support_of,
)
from hdsl.families.positive import POSITIVES
from hdsl.families.structure import Along, Draw, Over, Structure
from hdsl.families.structures import STRUCTURES

__all__ = [
    "ARRAYS",
    "ELSEWHERE",
    "FAMILIES",
    "FUNCTIONS",
    "LINKS",
    "Along",
    "ArrayFunction",
    "Binding",
    "Call",
    "Categories",
    "Code",
    "Draw",
    "Family",
    "FamilyParameter",
    "Function",
    "Library",
    "Link",
    "Natural",
    "Over",
    "Role",
    "Spelling",
    "Structure",
    "Support",
    "argument_names",
    "called",
    "folded",
    "function_of",
    "interval",
    "likely",
    "link_of",
    "natural_family",
    "parameter",
    "plain_argument",
    "support_of",
]

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        family.name: family
        for family in (*CONTINUOUS, *POSITIVES, *BOUNDED, *DISCRETE, *LABELLED, *STRUCTURES)
    }
)
"""Every distribution by name."""

ELSEWHERE: Mapping[str, str] = MappingProxyType(
    {other: family.name for family in FAMILIES.values() for other in family.elsewhere}
)
"""Our name of a distribution, by what other systems call it."""
