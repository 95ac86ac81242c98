"""Where Graphviz finds a font: the one effect that pictures need besides Graphviz itself.

Its wheels bring a fontconfig, but no configuration and no fonts: on a bare machine the text
would be empty boxes of a wrong width. matplotlib, which ArviZ brings, carries DejaVu.
"""

import os
import tempfile
from functools import cache
from html import escape
from importlib.util import find_spec
from pathlib import Path

_VARIABLE = "FONTCONFIG_FILE"

# The machine's fonts stay in reach, for scripts that DejaVu lacks.
_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "/System/Library/Fonts", "/Library/Fonts")


def configuration(fonts: Path) -> str:
    """A fontconfig file that knows the folder of fonts, and the usual ones of the machine."""
    folders = "".join(f"  <dir>{escape(str(f))}</dir>\n" for f in (fonts, *_FOLDERS))
    return (
        '<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "fonts.dtd">\n<fontconfig>\n'
        f"{folders}"
        '  <dir prefix="xdg">fonts</dir>\n'
        '  <cachedir prefix="xdg">fontconfig</cachedir>\n'
        "</fontconfig>\n"
    )


def matplotlib_fonts() -> Path | None:
    """The folder of fonts inside matplotlib, found without importing it."""
    spec = find_spec("matplotlib")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf"
    return folder if folder.is_dir() else None


@cache
def provide_fonts() -> tempfile.TemporaryDirectory[str] | None:
    """Makes fontconfig find DejaVu Sans; a configuration of the user's own is left alone.

    The file stays as long as the process, for fontconfig looks again when it draws again; it
    goes with the folder that is returned, at exit.
    """
    fonts = matplotlib_fonts()
    if _VARIABLE in os.environ or fonts is None:
        return None
    folder = tempfile.TemporaryDirectory(prefix="hdsl-fonts-")
    path = Path(folder.name) / "fonts.conf"
    path.write_text(configuration(fonts), encoding="utf-8")
    os.environ[_VARIABLE] = str(path)
    return folder
