"""A picture as SVG, PNG or PDF, laid out by the Graphviz that pygraphviz carries."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from types import ModuleType

from hdsl.diagnostics.diagnostic import Diagnostic, InternalError, ModelError
from hdsl.render.dot import clean, dot_text
from hdsl.render.fonts import provide_fonts
from hdsl.render.picture import Picture

_PIXELS_PER_INCH = 144


def svg(picture: Picture) -> str:
    """The picture as SVG with a title and a description."""
    return _accessible(draw(picture, "svg").decode(), picture)


def draw(picture: Picture, form: str) -> bytes:
    """The picture as Graphviz draws it in a form of its own: ``svg``, ``png``, ``pdf``."""
    source = dot_text(picture)
    if form == "png":
        source = source.replace("{\n", f"{{\n  graph [dpi={_PIXELS_PER_INCH}]\n", 1)
    provide_fonts()  # before the import, which may start fontconfig
    graphviz = _pygraphviz()
    with _silence():
        graph = graphviz.AGraph(string=source)
        try:
            drawn = graph.draw(format=form, prog="dot")
        finally:
            graph.close()
    if not isinstance(drawn, bytes):
        raise InternalError(f"Graphviz gave no {form}")
    return drawn


@contextmanager
def _silence() -> Iterator[None]:
    """Inside, C code writes its warnings nowhere.

    The fontconfig in the wheels reads the templates of the machine's, whatever it is told to
    use, and complains of what is newer than itself.
    """
    try:
        kept = os.dup(2)
    except OSError:  # there is no standard error to keep
        yield
        return
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _pygraphviz() -> ModuleType:
    try:
        import pygraphviz
    except ImportError as error:
        diagnostic = Diagnostic(
            "H501",
            "svg, png and pdf need pygraphviz, which is not installed",
            notes=("dot, mmd and txt need nothing",),
            help='pip install "pygraphviz>=2.0.4"',
        )
        raise ModelError((diagnostic,)) from error
    return pygraphviz  # type: ignore[no-any-return]  # it carries no types


def _accessible(drawn: str, picture: Picture) -> str:
    """The SVG with a title and a description that screen readers and browsers show."""
    start = drawn.index("<svg")
    end = drawn.index(">", start)
    head = drawn[start:end]
    title = escape(clean(picture.title or "Diagram of the model"), quote=False)
    description = "\n".join(
        escape(clean(line), quote=False) for line in picture.description.splitlines()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'{head} role="img" aria-labelledby="title desc">\n'
        f'<title id="title">{title}</title>\n<desc id="desc">{description}</desc>'
        f"{drawn[end + 1 :]}"
    )
