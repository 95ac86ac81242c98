"""Many like boxes become one: twenty predictors or priors in a row would dwarf the rest."""

import textwrap
from dataclasses import replace

from hdsl.render.picture import Arrow, Box, Kind, Line, Picture, Row, Table

_MANY = 5
_WIDE = 32


def compact(picture: Picture) -> Picture:
    """The picture with every set of five or more like boxes drawn as one.

    Alike are data, or parameters, that nothing leads to, in one plate, used by the same boxes.
    """
    homes: dict[str, str] = {}
    boxes: list[Box | Table] = []
    alike = _alike(picture)
    for box in picture.boxes:
        group = alike.get(box.key, ())
        if len(group) < _MANY:
            boxes.append(box)
        elif box is group[0]:
            merged = _merged(group)
            boxes.append(merged)
            homes |= {member.key: merged.key for member in group}
    moved = (
        replace(a, source=homes.get(a.source, a.source), target=homes.get(a.target, a.target))
        for a in picture.arrows
    )
    return replace(picture, boxes=tuple(boxes), arrows=tuple(dict.fromkeys(moved)))


def _alike(picture: Picture) -> dict[str, tuple[Box, ...]]:
    """For each box that could be merged the boxes like it, itself among them, in their order."""
    targets: dict[str, frozenset[str]] = {}
    for arrow in picture.arrows:
        targets[arrow.source] = targets.get(arrow.source, frozenset()) | {arrow.target}
    bound = {end for a in picture.arrows for end in _bound(a)}
    groups: dict[tuple[Kind, str | None, frozenset[str]], tuple[Box, ...]] = {}
    places = {}
    for box in picture.boxes:
        if isinstance(box, Box) and box.key not in bound and _plain(box):
            place = (box.kind, box.plate, targets.get(box.key, frozenset()))
            groups[place] = (*groups.get(place, ()), box)
            places[box.key] = place
    return {key: groups[place] for key, place in places.items()}


def _bound(arrow: Arrow) -> tuple[str, ...]:
    return (arrow.source, arrow.target) if arrow.joint else (arrow.target,)


def _plain(box: Box) -> bool:
    match box.kind:
        case Kind.DATA:
            return not box.lines
        case Kind.LATENT:
            return len(box.lines) == 1
        case Kind.POPULATION | Kind.DEFINITION | Kind.OUTCOME | Kind.LEVEL:
            return False


def _merged(group: tuple[Box, ...]) -> Box | Table:
    key = ", ".join(box.title for box in group)
    if group[0].kind is Kind.DATA:
        names = textwrap.wrap(key, _WIDE, break_long_words=False, break_on_hyphens=False)
        lines = tuple(Line(line) for line in names)
        return Box(key, Kind.DATA, f"{len(group)} columns", lines, group[0].plate)
    rows = tuple(Row(box.title, box.lines) for box in group)
    return Table(key, "parameter", ("prior",), rows, group[0].plate)
