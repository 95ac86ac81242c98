"""A picture as a Mermaid flowchart, which GitHub and many wikis draw from Markdown."""

from collections.abc import Iterator, Mapping

from hdsl.render.dot import clean
from hdsl.render.palette import INK, LOOKS, PLATE, PLATE_FILL
from hdsl.render.picture import Arrow, Box, Line, Picture, Plate, Table, Tone


def mermaid_text(picture: Picture) -> str:
    """The picture as Mermaid text; identifiers are numbers: names may be anything."""
    keys = {box.key: f"n{number}" for number, box in enumerate(picture.boxes)}
    body = (
        *_inside(picture, keys, None),
        *(_arrow(arrow, keys) for arrow in picture.arrows),
        *_classes(picture, keys),
    )
    title = ["---", f"title: {_yaml(picture.title)}", "---"] if picture.title is not None else []
    return "\n".join([*title, "flowchart TB", *(f"  {line}" for line in body)]) + "\n"


def _inside(picture: Picture, keys: Mapping[str, str], plate: str | None) -> Iterator[str]:
    for box in picture.boxes:
        if box.plate == plate:
            opening, closing = LOOKS[box.kind].mermaid
            yield f'{keys[box.key]}{opening}"{_label(box)}"{closing}'
    for number, frame in enumerate(picture.plates):
        if frame.parent == plate:
            yield f'subgraph plate{number}["{_heading(frame)}"]'
            yield from (f"  {line}" for line in _inside(picture, keys, frame.key))
            yield "end"


def _label(box: Box | Table) -> str:
    if isinstance(box, Box):
        return "<br/>".join([f"<b>{_text(box.title)}</b>", *(_line(line) for line in box.lines)])
    rows = [
        f"{_text(row.role)}: " + ", ".join("–" if c is None else _line(c) for c in row.cells)
        for row in box.rows
    ]
    names = ", ".join(_text(name) for name in box.columns)
    return "<br/>".join([f"<b>{names}</b> {_text(box.title)}", *rows])


def _line(line: Line) -> str:
    return f"<i>{_text(line.text)}</i>" if line.tone is Tone.DEFAULT else _text(line.text)


def _heading(plate: Plate) -> str:
    return _text(plate.title) + (f" · {_text(plate.note)}" if plate.note else "")


def _text(text: str) -> str:
    """Mermaid's own entity codes, for all that would end a label or read as markup."""
    special = {"#": "#35;", "&": "#amp;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "`": "#96;"}
    return "".join(special.get(character, character) for character in clean(text))


def _yaml(text: str) -> str:
    escaped = clean(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _arrow(arrow: Arrow, keys: Mapping[str, str]) -> str:
    return f"{keys[arrow.source]} {'-.-' if arrow.joint else '-->'} {keys[arrow.target]}"


def _classes(picture: Picture, keys: Mapping[str, str]) -> Iterator[str]:
    for kind in picture.kinds():
        look = LOOKS[kind]
        members = ",".join(keys[box.key] for box in picture.boxes if box.kind is kind)
        yield f"classDef {look.name} fill:{look.fill},stroke:{look.line},color:{INK}"
        yield f"class {members} {look.name}"
    for number, _ in enumerate(picture.plates):
        yield f"style plate{number} fill:{PLATE_FILL},stroke:{PLATE},color:{PLATE}"
