"""One function for every view and form."""

from hdsl.ir.facts import Facts
from hdsl.ir.model import Model
from hdsl.render.dot import dot_text
from hdsl.render.levels_view import levels_picture
from hdsl.render.mermaid import mermaid_text
from hdsl.render.model_view import model_picture
from hdsl.render.picture import Picture

VIEWS = ("model", "levels")
FORMS = ("svg", "png", "pdf", "dot", "mmd", "txt")


def render(
    model: Model, view: str = "model", form: str = "svg", facts: Facts | None = None
) -> bytes | str:
    """The view in the form: bytes for ``png`` and ``pdf``, text for the others.

    The same model and facts give the same answer. Without pygraphviz the first three raise
    ModelError with one line that says what to install; dot, mmd and txt need only Python.
    """
    drawn = picture(model, view, facts)
    match form:
        case "svg" | "png" | "pdf":
            from hdsl.render import image  # the other forms need none of what it imports

            return image.svg(drawn) if form == "svg" else image.draw(drawn, form)
        case "dot":
            return dot_text(drawn)
        case "mmd":
            return mermaid_text(drawn)
        case "txt":
            return drawn.description
        case _:
            raise ValueError(f"form is one of {', '.join(FORMS)}, not {form!r}")


def picture(model: Model, view: str = "model", facts: Facts | None = None) -> Picture:
    """What a view shows, before any format."""
    match view:
        case "model":
            return model_picture(model, facts)
        case "levels":
            return levels_picture(model, facts)
        case _:
            raise ValueError(f"view is one of {', '.join(VIEWS)}, not {view!r}")
