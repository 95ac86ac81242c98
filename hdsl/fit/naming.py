"""How a quantity's name stands in a DataTree, which keeps the slash for paths.

`slope(a, x / y)` stands there with U+2215, the division slash, which looks the same and can be
copied; whoever asks by the model's own spelling is understood, and summaries show that one.
"""

SLASH, DIVISION_SLASH = "/", "\N{DIVISION SLASH}"


def tree_name(name: str) -> str:
    """The name of a quantity in a DataTree."""
    return name.replace(SLASH, DIVISION_SLASH)


def model_name(name: str) -> str:
    """The name of a quantity in the model."""
    return name.replace(DIVISION_SLASH, SLASH)
