"""Shape and colour per kind of box: each can be told from the others by either alone.

The hues are those of Okabe and Ito, made for colour-blind readers; fills are tints whose
lightness differs, so that the picture works in grey as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hdsl.render.picture import Kind

INK = "#1F2933"
QUIET = "#5F6C7B"
PLATE = "#52606D"
PLATE_FILL = "#F7F9FB"


@dataclass(frozen=True)
class Look:
    """How a kind is drawn: DOT attributes, Mermaid brackets, colours, the sign in the legend."""

    shape: str
    fill: str
    line: str
    sign: str
    mermaid: tuple[str, str]
    name: str  # of its class in Mermaid


LOOKS: Mapping[Kind, Look] = {
    Kind.LATENT: Look("shape=ellipse", "#E3F0FA", "#0072B2", "◯", ("([", "])"), "latent"),
    Kind.POPULATION: Look("shape=plain", "#E3F0FA", "#0072B2", "▤", ("[/", "/]"), "population"),
    Kind.DEFINITION: Look(
        "shape=hexagon margin=0", "#DDF3EA", "#00785A", "⬡", ("{{", "}}"), "definition"
    ),
    Kind.DATA: Look("shape=box", "#E4E7EB", "#52606D", "▭", ("[", "]"), "data"),
    Kind.OUTCOME: Look(
        "shape=box peripheries=2", "#F6C667", "#8A5A00", "▣", ("[[", "]]"), "outcome"
    ),
    Kind.LEVEL: Look(
        'shape=box style="rounded,filled"', "#FFFFFF", "#52606D", "▢", ("(", ")"), "level"
    ),
}
