"""Names, labels and titles that could break out of the generated file, and do not."""

import ast
import keyword

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hdsl.backends import BACKENDS, emit
from hdsl.backends.namer import RESERVED, Namer, harmless, quoted
from hdsl.compiler import model_of
from hdsl.source import Source
from tests.backends import densities

HOSTILE = [
    "quote \" and ' both",
    '"""; raise SystemExit; """',
    "line\\nbreak \\",
    "{braces} %s %(x)s",
    "</script> 🦉 €",
    "__import__('os')",
    "jax re math NormalDist pt",
]


@given(st.lists(st.text(max_size=12), max_size=20, unique=True))
def test_identifiers_are_legal_and_unlike(wishes):
    names = Namer(["groups"])
    found = [names(("key", wish), wish) for wish in wishes]
    assert len(set(found)) == len(found)
    for name in found:
        assert name.isidentifier()
        assert not keyword.iskeyword(name)
        assert name not in RESERVED | {"groups", "len", "ValueError"}
        assert ast.parse(name).body[0].value.id == name  # Python normalises what it reads


@given(st.text())
def test_quoted_text_is_itself(text):
    assert ast.literal_eval(quoted(text)) == text


@given(st.text())
def test_comments_and_docstrings_stay_what_they_are(text):
    line = harmless(text)
    assert ast.literal_eval(f'"""{line.replace(chr(34), chr(39))}."""')
    assert ast.parse(f"x = 1  # {line}\ny = 2").body[1].lineno == 2


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_titles_columns_and_labels(backend, text, tmp_path):
    safe = text.replace('"', "'")
    model = f'model "{safe}"\ndata y from "{safe}" : real\ny ~ normal(a, sigma)\na ~ group\n'
    model += f'first = a["{safe}"]\n'
    source = Source(model, f"{text}.hdsl")
    made = densities.load(emit(model_of(source), backend).text, tmp_path, "hostile")
    assert not hasattr(made, "math")
    rows = {safe: np.array([1.0, 2.0, 4.0]), "group": np.array([safe, "b", "b"])}
    data = made.prepare(rows)
    assert data["y"].tolist() == [1.0, 2.0, 4.0]
    chosen = next(key for key in data if key.startswith("group_") and key != "group_of_row")
    assert data["coords"]["group"][data[chosen]] == safe


@pytest.mark.parametrize(
    "name", ["lambda", "np", "data", "model", "row_", "prepare", "groups", "l"]
)
def test_python_s_own_words_serve_as_names(name, tmp_path):
    lines = (f"data {name}_x, y : real", "level g", f"{name} ~ g", "b ~ 1")
    text = "\n".join((*lines, f"y ~ normal({name} + b * {name}_x, sigma)"))
    rows = {f"{name}_x": np.arange(4.0), "y": np.arange(4.0), "g": np.array(["a", "b", "a", "b"])}
    made = [
        densities.load(emit(model_of(Source(text)), backend).text, tmp_path, f"{backend}_made")
        for backend in BACKENDS
    ]
    numpyro, pymc = made
    data = numpyro.prepare(rows)
    (point,) = densities.points(numpyro.model, data, 1)
    assert densities.pymc_density(pymc.build(data), point) == pytest.approx(
        densities.numpyro_density(numpyro.model, data, point)
    )
