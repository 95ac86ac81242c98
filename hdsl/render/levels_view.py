"""The levels view: which level lies in which, what is known and what varies at each."""

import textwrap

from hdsl.ir.facts import Facts
from hdsl.ir.levels import direct_parents
from hdsl.ir.model import Model
from hdsl.render.levels_text import counted, held, levels_text
from hdsl.render.picture import Arrow, Box, Kind, Line, Picture, Tone
from hdsl.render.plates import level_title

_WIDE = 34


def levels_picture(model: Model, facts: Facts | None = None) -> Picture:
    """A box per level, an arrow from each to the levels directly in it, the rows at the bottom."""
    return Picture(
        title=model.title,
        description=levels_text(model, facts),
        boxes=tuple(_box(model, level, facts) for level in model.levels),
        arrows=tuple(
            Arrow(parent, level)
            for level in model.levels
            for parent in direct_parents(model, level)
        ),
    )


def _box(model: Model, level: str, facts: Facts | None) -> Box:
    told = [Line(line) for text in counted(model, level, facts) for line in _folded(text)]
    known = [Line(line, Tone.QUIET) for text in held(model, level) for line in _folded(text)]
    return Box(level, Kind.LEVEL, level_title(model, level), (*told, *known))


def _folded(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDE, break_long_words=False, break_on_hyphens=False)
