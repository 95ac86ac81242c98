"""One function for every view and form."""

from typing import Literal, assert_never

from hdsl.ir.facts import Facts
from hdsl.ir.model import Model
from hdsl.render.dot import dot_text
from hdsl.render.levels_view import levels_picture
from hdsl.render.mermaid import mermaid_text
from hdsl.render.model_view import model_picture
from hdsl.render.picture import Picture

View = Literal["model", "levels"]
Form = Literal["svg", "png", "pdf", "dot", "mmd", "txt"]

VIEWS: tuple[View, ...] = ("model", "levels")
FORMS: tuple[Form, ...] = ("svg", "png", "pdf", "dot", "mmd", "txt")


def render(
    model: Model, view: View = "model", form: Form = "svg", facts: Facts | None = None
) -> bytes | str:
    """The view in the form: bytes for ``svg png pdf``, which Graphviz draws, text for the others.

    The same model and facts give the same answer. Without pygraphviz the first three raise
    ModelError with one line that says what to install.
    """
    drawn = picture(model, view, facts)
    match form:
        case "svg" | "png" | "pdf":
            from hdsl.render.image import draw

            return draw(drawn, form)
        case "dot":
            return dot_text(drawn)
        case "mmd":
            return mermaid_text(drawn)
        case "txt":
            return drawn.description
        case _:
            assert_never(form)


def picture(model: Model, view: View = "model", facts: Facts | None = None) -> Picture:
    """What a view shows, before any format."""
    match view:
        case "model":
            return model_picture(model, facts)
        case "levels":
            return levels_picture(model, facts)
        case _:
            assert_never(view)
