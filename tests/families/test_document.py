"""The page of the tables is fresh, and what it says of the table is all there is."""

from pathlib import Path

import pytest

from hdsl.families import FAMILIES, FUNCTIONS, argument_names
from hdsl.families.document import families_page, in_words
from hdsl.families.family import BINARY, COUNT, REAL, UNIT, Support

PAGE = Path(__file__).parents[2] / "docs" / "families.md"


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == families_page(), (
        "python -m hdsl.families.document > docs/families.md"
    )


@pytest.mark.parametrize("name", FAMILIES)
def test_every_row_is_complete(name: str) -> None:
    family = FAMILIES[name]
    plain = tuple(p.name for p in family.parameters)
    assert family.doc.endswith(".") and family.reference
    computed = family.structure is not None and family.structure.value is not None
    assert computed or (plain in family.numpyro and plain in family.pymc)
    assert computed == (not family.numpyro) == (not family.pymc)
    for forms in (family.numpyro, family.pymc):
        for form, spelling in forms.items():
            assert set(form) <= set(argument_names(family))
            slots = {*form, *spelling.slots}
            written = spelling.arguments.format_map(dict.fromkeys(slots, "1"))
            assert compile(f"{spelling.constructor}({written})", name, "eval")
    assert {family.lower, family.upper} <= {*plain, None}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_explained(name: str) -> None:
    assert FUNCTIONS[name].doc.endswith(".")


@pytest.mark.parametrize(
    ("support", "words"),
    [
        (REAL, "any number"),
        (UNIT, "between 0 and 1"),
        (BINARY, "0 or 1"),
        (COUNT, "a whole number from 0"),
        (Support(2.0), "above 2"),
        (Support(2.0, open_lower=False), "2 or above"),
    ],
)
def test_supports_in_words(support: Support, words: str) -> None:
    assert in_words(support) == words
