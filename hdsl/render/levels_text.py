"""The levels as a tree for the terminal; levels that cross meet in a bracket at the right.

student  400 groups  ─┐
item     10 groups   ─┤
row      4,000 rows  ◄┘
"""

from collections.abc import Iterator

from hdsl.expr import ROW
from hdsl.ir.facts import Facts
from hdsl.ir.graph import groups, labels
from hdsl.ir.levels import direct_parents
from hdsl.ir.model import Data, LevelKind, Model, Outcome, Parameter
from hdsl.render.plates import count_text, level_title

_FEW = 8


def levels_text(model: Model, facts: Facts | None = None) -> str:
    """The levels, each under the one it lies in, with its groups and what lives there."""
    parents = {level: direct_parents(model, level) for level in model.levels}
    branches = list(_branches(parents))
    order = [level for level, _ in branches]
    columns = [
        [branch + level_title(model, level) for level, branch in branches],
        [_one_line(": ".join(counted(model, level, facts))) for level in order],
        _brackets(order, parents),
        [_one_line("; ".join(held(model, level))) for level in order],
    ]
    rows = zip(*(_padded(column) for column in columns if any(column)), strict=True)
    title = [_one_line(model.title), ""] if model.title is not None else []
    return "\n".join([*title, *("  ".join(row).rstrip() for row in rows)]) + "\n"


def _branches(parents: dict[str, tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    """Each level with the branch before it; one that crosses others follows the last of them."""
    told: set[str] = set()

    def below(level: str, branch: str, indent: str) -> Iterator[tuple[str, str]]:
        told.add(level)
        yield level, branch
        children = [child for child, above in parents.items() if above == (level,)]
        for child in children:
            last = child is children[-1]
            sign, rest = ("└─ ", "   ") if last else ("├─ ", "│  ")
            yield from below(child, indent + sign, indent + rest)

    waiting = [level for level, above in parents.items() if len(above) != 1]
    while waiting:
        level = next((w for w in waiting if parents[w] and told >= set(parents[w])), waiting[0])
        waiting.remove(level)
        yield from below(level, "", "")


def _brackets(order: list[str], parents: dict[str, tuple[str, ...]]) -> list[str]:
    """The bracket of each crossing, each in a column of its own, as text per line."""
    crossings = [level for level in order if len(parents[level]) > 1]
    grid = [[" "] * (2 * len(crossings)) for _ in order]
    for number, level in enumerate(crossings):
        column = 2 * number + 1
        places = [order.index(parent) for parent in parents[level]]
        end = order.index(level)
        for place in range(min(places), end + 1):
            joined = place in places or place == end
            sign = "┐" if place == min(places) else "┘" if place == end else "┤"
            if joined:
                _lead(grid[place], column)
            grid[place][column] = sign if joined else "│"
        grid[end][0] = "◄"
    return ["".join(line).rstrip() for line in grid]


def _lead(line: list[str], column: int) -> None:
    """Draws the horizontal of a bracket, over the verticals and behind the end of others."""
    for place in range(column):
        line[place] = {" ": "─", "│": "┼", "┘": "┴", "┐": "┬", "┤": "┼"}.get(
            line[place], line[place]
        )


def _padded(column: list[str]) -> list[str]:
    width = max(len(text) for text in column)
    return [f"{text:<{width}}" for text in column]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def counted(model: Model, level: str, facts: Facts | None) -> tuple[str, ...]:
    """How many groups, and their labels where they are few."""
    number = groups(model, level, facts)
    told = [] if number is None else [count_text(level, number)]
    if model.levels[level].kind is LevelKind.BLOCK:
        told = ["columns" if number is None else f"{number:,} column{'' if number == 1 else 's'}"]
    elif model.levels[level].kind is LevelKind.CROSS:
        told = [f"{number:,} combinations" if number is not None else "observed combinations"]
    names = labels(model, level, facts)
    if names and len(names) <= _FEW and level != ROW:
        told.append(", ".join(names))
    return tuple(told)


def held(model: Model, level: str) -> tuple[str, ...]:
    """What lives at a level: data, coefficients that vary over it, outcomes."""
    outcomes = {n.name for n in model.nodes if isinstance(n, Outcome) and n.domain == (level,)}
    data = [
        n.name
        for n in model.nodes
        if isinstance(n, Data) and n.domain == (level,) and n.name not in outcomes
    ]
    varying = [
        c.name for c in model.coefficients if any(level in (p.level, *c.axes) for p in c.parts)
    ]
    implied = {p.sd for c in model.coefficients for p in c.parts}
    implied |= {c.mean for c in model.coefficients if c.mean is not None}
    implied |= {slope for c in model.coefficients for p in c.parts for slope, _ in p.slopes}
    varying += [
        n.name
        for n in model.nodes
        if isinstance(n, Parameter) and level in n.domain and n.name not in implied
    ]
    parts = (
        ("data", data),
        ("varying", list(dict.fromkeys(varying))),
        ("outcome" if len(outcomes) == 1 else "outcomes", sorted(outcomes)),
    )
    return tuple(f"{word}: {', '.join(names)}" for word, names in parts if names)
