"""What a diagram shows, before any format: boxes in plates, arrows between them.

Both views of a model become a ``Picture``; DOT and Mermaid are two ways to write one down. Text is
the user's, unescaped: each writer escapes for its own format.
"""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a box stands for; every kind has its own shape and colour."""

    LATENT = "latent"
    POPULATION = "parameters"  # several latent quantities as a table: a population
    DEFINITION = "definition"
    DATA = "data"
    OUTCOME = "observed outcome"
    LEVEL = "level"


class Tone(Enum):
    """How loud a line is."""

    PLAIN = "plain"
    QUIET = "quiet"  # beside the point
    DEFAULT = "default"  # a default prior: the user did not write it


@dataclass(frozen=True)
class Line:
    """A line of text in a box."""

    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True)
class Box:
    """A node of the diagram. ``key`` is unique in a picture, ``plate`` the key of its plate."""

    key: str
    kind: Kind
    title: str
    lines: tuple[Line, ...] = ()
    plate: str | None = None


@dataclass(frozen=True)
class Row:
    """A row of a table: a role, and a cell per column, or one cell that spans them all."""

    role: str
    cells: tuple[Line | None, ...]
    spans: bool = False


@dataclass(frozen=True)
class Table:
    """A box that holds a table: the population parameters of the coefficients in ``columns``."""

    key: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    plate: str | None = None

    @property
    def kind(self) -> Kind:
        """Tables always show a population."""
        return Kind.POPULATION


@dataclass(frozen=True)
class Arrow:
    """``source`` is used by ``target``; or, where ``joint``, the two vary together."""

    source: str
    target: str
    joint: bool = False


@dataclass(frozen=True)
class Plate:
    """A frame that says: once per group. ``parent`` is the plate that it truly lies in."""

    key: str
    title: str
    note: str = ""
    parent: str | None = None


@dataclass(frozen=True)
class Picture:
    """A whole diagram. ``description`` says the same in words; the order is the drawing order."""

    title: str | None
    description: str
    boxes: tuple[Box | Table, ...]
    arrows: tuple[Arrow, ...]
    plates: tuple[Plate, ...] = ()

    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of boxes that occur, in the order of the legend."""
        present = {box.kind for box in self.boxes}
        return tuple(kind for kind in Kind if kind in present)

    def has_defaults(self) -> bool:
        """Whether anything shown is a default that the user did not write."""
        return any(line.tone is Tone.DEFAULT for box in self.boxes for line in _lines(box))


def _lines(box: Box | Table) -> tuple[Line, ...]:
    if isinstance(box, Box):
        return box.lines
    return tuple(cell for row in box.rows for cell in row.cells if cell is not None)


def wrap(text: str, width: int) -> tuple[str, ...]:
    """The text in lines of about ``width`` characters: broken after commas, else before operators.

    >>> wrap("studentt(nu, alpha + beta * log_p, sigma)", 28)
    ('studentt(nu,', 'alpha + beta * log_p, sigma)')
    """
    lines: list[str] = []
    for part in _after_commas(" ".join(text.split())):
        for piece in [part] if len(part) <= width else _before_operators(part):
            if lines and len(lines[-1]) + 1 + len(piece) <= width:
                lines[-1] += " " + piece
            else:
                lines.append(piece)
    return tuple(lines)


def _after_commas(text: str) -> list[str]:
    """The arguments of a call, if the text is one call to its end; else the text as one piece."""
    pieces = [""]
    depth = 0
    for place, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        pieces[-1] += character
        if depth == 0 and character == ")" and place < len(text) - 1 and "~" not in text[place:]:
            return [text]
        if depth == 1 and character == ",":
            pieces.append("")
    return [piece.strip() for piece in pieces]


def _before_operators(text: str) -> list[str]:
    """Terms: a sum's operator goes with what follows; products and arguments stay together."""
    pieces: list[str] = []
    glued = True
    for word in text.split(" "):
        if glued or word in _TIES:
            pieces[-1:] = [" ".join([*pieces[-1:], word])]
        else:
            pieces.append(word)
        glued = word in _TIES or word in _BREAKS or word.endswith(",")
    return pieces


_TIES = frozenset(("*", "/", "@", "=", "==", "~"))
_BREAKS = frozenset(("+", "-", "<", ">", "<=", ">=", "!="))
