"""Text as a terminal shows it: nothing that moves the cursor, and widths in cells.

A model's text, its labels and its file names are the user's; printed as they are, an escape
sequence would repaint the terminal and a right-to-left override would lie about the code.
"""

from rich.cells import cell_len

TAB = "    "
_REPLACEMENT = "\ufffd"
_UNSAFE = frozenset(
    [
        *range(0x80, 0xA0),  # control characters of the second kind
        *(0x200B, 0x2028, 0x2029, 0xFEFF),  # spaces and line ends that nobody sees
        *(0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)),  # text direction
        *range(0xD800, 0xE000),  # what Python makes of bytes that are not UTF-8
    ]
)


def _show(character: str) -> str:
    code = ord(character)
    if character == "\t":
        return TAB
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return _REPLACEMENT if code in _UNSAFE else character


def visible(text: str) -> str:
    r"""The text on one line, with every control character replaced by a picture of itself.

    >>> visible("a\tb\x1b[1m")
    'a    b␛[1m'
    """
    return text if text.isascii() and text.isprintable() else "".join(map(_show, text))


def visible_lines(text: str) -> list[str]:
    r"""The lines of a text that may have several, each made visible.

    >>> visible_lines("rows\n  2")
    ['rows', '  2']
    """
    return [visible(line) for line in text.split("\n")]


def cells(text: str) -> int:
    r"""How many cells of a terminal a visible text takes.

    >>> cells("漢字"), cells("e\u0301")
    (4, 1)
    """
    return cell_len(text)
