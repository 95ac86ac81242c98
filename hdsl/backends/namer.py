"""Python names for what a model calls its own: unique, legal, and near to what was written.

Every identifier of a generated file comes from a ``Namer``, so two things never share one, and
nothing that a user may write can shadow a module, a builtin or a helper.
"""

import builtins
import keyword
import re
import unicodedata
from collections.abc import Iterable

_WORDS = """
np jnp jax dist numpyro pm pt re math NormalDist data model prepare build rows tables learned coords
row is_training COORDS DIMS l O I
"""
RESERVED = frozenset(_WORDS.split())
"""What the generated files call their own, and names that linters take for digits."""


class Namer:
    """Gives each key one identifier and never the same one to two keys.

    >>> names = Namer()
    >>> names("a", "sd(alpha, market)"), names("b", "lambda"), names("c", "sd_alpha_market")
    ('sd_alpha_market', 'lambda_', 'sd_alpha_market_')
    """

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self._taken = {*RESERVED, *keyword.kwlist, *keyword.softkwlist, *dir(builtins), *reserved}
        self._given: dict[object, str] = {}

    def __call__(self, key: object, wish: str) -> str:
        """The identifier of a key, as near to the wish of its first use as may be."""
        if key not in self._given:
            name = identifier(wish)
            while name in self._taken:
                name += "_"
            self._taken.add(name)
            self._given[key] = name
        return self._given[key]


_SPOKEN = (
    ("(-", "(neg "),
    ("^2)", " squared)"),
    ("==", " is "),
    ("!=", " is not "),
    (">=", " at least "),
    ("<=", " at most "),
    (">", " above "),
    ("<", " below "),
)


def identifier(text: str) -> str:
    """The text as an identifier, words joined by underscores.

    >>> identifier("mean(log(-beta))"), identifier("Unit price (€)"), identifier("2nd")
    ('mean_log_neg_beta', 'Unit_price', 'x_2nd')
    >>> identifier("sd(x^2)"), identifier("sex == 'F'")
    ('sd_x_squared', 'sex_is_F')
    """
    spelled = unicodedata.normalize("NFKC", text)
    for sign, word in _SPOKEN:
        spelled = spelled.replace(sign, word)
    name = re.sub(r"\W+", "_", spelled).strip("_") or "x"
    name = "".join(c if ("x" + c).isidentifier() else "_" for c in name)
    return name if name.isidentifier() else f"x_{name}"


def quoted(text: str) -> str:
    r"""The text as a Python string, between double quotes as the formatter wants them.

    >>> quoted("plain"), quoted('say "no"'), quoted("it's")
    ('"plain"', '\'say "no"\'', '"it\'s"')
    """
    literal = repr(text)
    body = literal[1:-1].replace("\\'", "'")
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + body.replace(quote, "\\" + quote) + quote


def harmless(text: str) -> str:
    r"""The text on one line, without a character that could end a comment or a docstring.

    >>> harmless('a\r\nb \"\"\" c')
    "a b ''' c"
    """
    line = " ".join(text.split()).replace("\\", "/").replace('"""', "'''")
    return "".join(c if c.isprintable() else " " for c in line)
