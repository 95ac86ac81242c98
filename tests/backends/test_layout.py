"""Long statements are broken exactly as `ruff format` breaks them: random ones, by the thousand."""

import random
import subprocess
import sys

import pytest

from hdsl.backends.expressions import write
from hdsl.backends.layout import lay_out, lay_out_entry
from hdsl.backends.program import Call, Gather, Number, Term, Variable
from hdsl.families.functions import Library

NAMES = [
    "a",
    "beta",
    "log_p",
    "region_of_row",
    "mean_alpha",
    "slope_alpha_median_income",
    "dev_alpha_market_submarket",
    "a_name_that_somebody_thought_was_fine_for_a_quantity_of_his_model_and_as_long_as_a_line",
]


def term(draw: random.Random, depth: int) -> Term:
    name = Variable(draw.choice(NAMES))
    kind = draw.random()
    if depth == 0 or kind < 0.2:
        return draw.choice([name, Gather(name, (draw.choice(NAMES),)), Number(draw.randint(0, 20))])
    if kind < 0.75:
        operator = draw.choice("+++-**/^")
        right = Number(2) if operator == "^" else term(draw, depth - 1)
        return Call(operator, (term(draw, depth - 1), right))
    if kind < 0.8:
        return Call("-", (term(draw, depth - 1),))
    if kind < 0.92:
        return Call(draw.choice(["exp", "log", "sqrt"]), (term(draw, depth - 1),))
    if kind < 0.96:
        return Call("where", tuple(term(draw, depth - 1) for _ in range(3)))
    return Call("stack", tuple(term(draw, depth - 1) for _ in range(2)))


def statement(draw: random.Random) -> str:
    name, other = draw.choice(NAMES), draw.choice(NAMES)
    first, second = (write(term(draw, draw.randint(1, 4)), Library.NUMPYRO) for _ in range(2))
    return draw.choice(
        [
            f"{name} = {first}",
            f'{name} = numpyro.deterministic("{name}", {first})',
            f'{name} = numpyro.sample("{name}", dist.Normal({first}, {second}))',
            f'pm.StudentT("{name}", nu={other}, mu={first}, sigma={second}, dims="row")',
            f'coords["{name}"], {other} = groups("{name}", {first}, learned)',
        ]
    )


@pytest.mark.parametrize("seed", range(4))
def test_random_statements(seed):
    draw = random.Random(seed)
    ours = ["\n".join(lay_out(statement(draw), 4)) for _ in range(1000)]
    text = "def f():\n" + "\n    # --\n".join(ours) + "\n"
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", "100", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    theirs = done.stdout.removeprefix("def f():\n").removesuffix("\n").split("\n    # --\n")
    assert sum("\n" in each for each in ours) > 300
    assert ours == theirs


def test_entries_of_a_dictionary():
    labels = ", ".join(f'"label {i}"' for i in range(20))
    lines = lay_out_entry('"level"', f"[{labels}]", 4)
    assert lines[0] == '    "level": ['
    assert lines[1:-1] == [f'        "label {i}",' for i in range(20)]
    assert lines[-1] == "    ],"
