"""A picture as DOT: readable as it stands, and what SVG, PNG and PDF are drawn from."""

from collections.abc import Iterator
from typing import assert_never

from hdsl.render.palette import INK, LOOKS, PLATE, PLATE_FILL, QUIET
from hdsl.render.picture import Arrow, Box, Kind, Line, Picture, Plate, Row, Table, Tone

# DejaVu comes with matplotlib, so it can be had anywhere; Verdana has nearly its widths.
FONT = "DejaVu Sans,Verdana,sans-serif"


def dot_text(picture: Picture) -> str:
    """The picture as a DOT file; labels are HTML-like, with the user's text escaped."""
    lines = [
        f"digraph {quoted(picture.title or 'model')} {{",
        *_indented(_defaults(picture)),
        "",
        *_indented(_body(picture)),
        "}",
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def quoted(text: str) -> str:
    r"""A string literal of DOT.

    >>> quoted('say "hi"')
    '"say \\"hi\\""'
    """
    escaped = clean(text).replace("\\", "∖").replace('"', '\\"')  # DOT cannot end in a backslash
    return f'"{escaped}"'


def clean(text: str) -> str:
    """The text on one line, with no character that XML forbids."""
    return "".join(c if c.isprintable() else " " for c in text)


def markup(text: str) -> str:
    """The text inside an HTML-like label, in which a backslash starts an escape."""
    safe = clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return safe.replace("\\", "\\\\")


def _indented(lines: Iterator[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _defaults(picture: Picture) -> Iterator[str]:
    font = f'fontname="{FONT}" fontcolor="{INK}"'
    yield f'graph [{font} fontsize=11 bgcolor="white" pad=0.25 nodesep=0.3 ranksep=0.45]'
    yield "graph [rankdir=TB newrank=true compound=true splines=true]"
    yield f'node [{font} fontsize=11 style="filled" penwidth=1.3 margin="0.12,0.06"]'
    yield f'edge [color="{PLATE}" arrowsize=0.65 penwidth=1.0]'
    if picture.title is not None:
        title = f'<FONT POINT-SIZE="15"><B>{markup(picture.title)}</B></FONT>'
        yield f"graph [labelloc=t label=<{title}>]"


def _body(picture: Picture) -> Iterator[str]:
    """Everything lies in one frameless cluster whose label, below, is the legend."""
    yield "subgraph cluster_all {"
    yield f"  graph [peripheries=0 labelloc=b labeljust=c margin=6 label={_legend(picture)}]"
    yield from _indented(_inside(picture, None))
    yield "}"
    yield from (_arrow(arrow) for arrow in picture.arrows)
    below = list(_below(picture))
    if below:
        yield "// Layout only: a plate stands below what its own plate holds."
        yield "edge [style=invis]"
        yield from below


def _below(picture: Picture) -> Iterator[str]:
    """Unseen edges from a plate's last boxes to the first ones of the plates in it."""
    home = {box.key: box.plate for box in picture.boxes}
    inner = [a for a in picture.arrows if not a.joint and home[a.source] == home[a.target]]
    sources, targets = {a.source for a in inner}, {a.target for a in inner}
    for plate in picture.plates:
        if plate.parent is None:
            continue
        last = [k for k, p in home.items() if p == plate.parent and k not in sources]
        first = [k for k, p in home.items() if p == plate.key and k not in targets]
        yield from (f"{quoted(a)} -> {quoted(b)}" for a in last for b in first)


def _inside(picture: Picture, plate: str | None) -> Iterator[str]:
    for box in picture.boxes:
        if box.plate == plate:
            yield from _node(box)
    for frame in picture.plates:
        if frame.parent == plate:
            yield f"subgraph {quoted(f'cluster {frame.key}')} {{"
            yield f"  graph [{_frame(frame)}]"
            yield from _indented(_inside(picture, frame.key))
            yield "}"


def _frame(plate: Plate) -> str:
    note = f'<FONT COLOR="{QUIET}">  {markup(plate.note)}</FONT>' if plate.note else ""
    return (
        f'label=<<B>{markup(plate.title)}</B>{note}> labelloc=b labeljust=r fontcolor="{PLATE}" '
        f'style="rounded,filled" peripheries=1 color="{PLATE}" fillcolor="{PLATE_FILL}" margin=12'
    )


def _node(box: Box | Table) -> Iterator[str]:
    look = LOOKS[box.kind]
    if isinstance(box, Table):
        yield f'{quoted(box.key)} [{look.shape} style="" label=<{_table(box)}>]'
        return
    label = f"<B>{markup(box.title)}</B>"
    if box.lines:
        lines = "<BR/>".join(_line(line) for line in box.lines)
        table = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">'
        label = f"{table}<TR><TD>{label}</TD></TR><TR><TD>{lines}</TD></TR></TABLE>"
    yield (
        f'{quoted(box.key)} [{look.shape} fillcolor="{look.fill}" color="{look.line}" '
        f"label=<{label}>]"
    )


def _line(line: Line) -> str:
    text = markup(line.text)
    match line.tone:
        case Tone.PLAIN:
            return _small(text)
        case Tone.QUIET:
            return _small(text, QUIET)
        case Tone.DEFAULT:
            return f"<I>{_small(text, QUIET)}</I>"
        case _:
            assert_never(line.tone)


def _small(text: str, colour: str = INK) -> str:
    return f'<FONT POINT-SIZE="9" COLOR="{colour}">{text}</FONT>'


def _table(table: Table) -> str:
    look = LOOKS[Kind.POPULATION]
    heads = "".join(f"<TD><B>{markup(name)}</B></TD>" for name in table.columns)
    head = f'<TR><TD ALIGN="LEFT">{_small(markup(table.title), QUIET)}</TD>{heads}</TR>'
    rows = "".join(_row(row, len(table.columns)) for row in table.rows)
    return (
        '<TABLE BORDER="1" STYLE="ROUNDED" CELLBORDER="0" CELLSPACING="0" CELLPADDING="3" '
        f'COLOR="{look.line}" BGCOLOR="{look.fill}">{head}<HR/>{rows}</TABLE>'
    )


# Graphviz sets a line of one upright run lower than any other: a second run, a blank, levels
# the cells of a row, be they upright or italic.
_LEVEL = "<I> </I>"


def _row(row: Row, columns: int) -> str:
    span = f' COLSPAN="{columns}"' if row.spans else ""
    cells = "".join(f"<TD{span}>{'' if c is None else _line(c) + _LEVEL}</TD>" for c in row.cells)
    return f'<TR><TD ALIGN="LEFT">{_small(markup(row.role))}{_LEVEL}</TD>{cells}</TR>'


def _legend(picture: Picture) -> str:
    parts = [
        f'<FONT COLOR="{LOOKS[kind].line}">{LOOKS[kind].sign}</FONT> {kind.value}'
        for kind in picture.kinds()
        if kind is not Kind.LEVEL
    ]
    if picture.has_defaults():
        parts.append(f'<FONT COLOR="{QUIET}"><I>default prior</I></FONT>')
    if any(arrow.joint for arrow in picture.arrows):
        parts.append("╌╌ correlated")
    if not parts:
        return '""'
    return f'<<FONT POINT-SIZE="9" COLOR="{PLATE}">{"     ".join(parts)}</FONT>>'


def _arrow(arrow: Arrow) -> str:
    ends = f"{quoted(arrow.source)} -> {quoted(arrow.target)}"
    if arrow.joint:
        look = f'dir=none style=dashed color="{LOOKS[Kind.LATENT].line}"'
        return f"{{ rank=same; {ends} [{look}] }}"
    return ends
