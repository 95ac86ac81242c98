"""`hdsl fit --plan`: what a fit will hold and how long it may take, without sampling."""

from typing import TYPE_CHECKING

import click

from hdsl.cli.terminal import show_table

if TYPE_CHECKING:
    from hdsl.data.bind import Binding
    from hdsl.fit.survey import Survey
    from hdsl.ir.model import Model

STEPS = {"nuts": "draw", "laplace": "Newton step", "svi": "step", "pathfinder": "step"}
"""What a method takes many of."""

LARGEST = 5
"""So many recorded quantities are named, those with most numbers."""


def show_plan(
    model: "Model", binding: "Binding", *, chains: int, draws: int, warmup: int, **_: object
) -> None:
    """The plan as tables, and the method that `--method auto` would take."""
    from hdsl.fit.draws import Settings
    from hdsl.fit.foresee import free_memory, in_words
    from hdsl.fit.survey import in_time, survey

    found = survey(model, binding, Settings(chains, draws, warmup))
    foreseen, free = found.foreseen, free_memory()
    whole = sum(foreseen.recorded.values())
    pointwise = f"{foreseen.pointwise:,}" if foreseen.pointwise else "none: too many"
    rows = [
        ["rows", f"{foreseen.rows:,}"],
        ["parameters", f"{found.population + found.grouped:,}"],
        ["  of the population", f"{found.population:,}"],
        ["  of groups", f"{found.grouped:,}"],
        ["recorded numbers a draw", f"{whole:,}"],
        ["  and of rows (log-likelihood, predictions)", pointwise],
        ["draws", f"{chains} chains × {draws:,}"],
        ["size of the RUN", in_words(foreseen.results)],
        ["memory at most", in_words(foreseen.memory)],
        ["memory free", "unknown" if free is None else in_words(free)],
        ["one gradient", in_time(found.gradient)],
        *([f"time with --method {name}", _expected(found, name)] for name in found.seconds),
    ]
    show_table(["", ""], rows, "Before the fit", numbers=True)
    largest = sorted(foreseen.recorded.items(), key=lambda item: -item[1])[:LARGEST]
    show_table(
        ["quantity", "numbers a draw"],
        [[name, f"{size:,}"] for name, size in largest],
        "Largest of what is recorded",
        numbers=True,
    )
    click.echo(f"\n`--method auto` takes {found.method}: {found.reason}.")


def _expected(found: "Survey", method: str) -> str:
    """The time of a method and of its steps, in words."""
    from hdsl.fit.survey import in_time

    whole, step = found.seconds[method], found.steps[method]
    if whole is None or step is None:
        return "–"
    return f"about {in_time(whole)}, {in_time(step)} a {STEPS[method]}"
