"""H1xx: syntax."""

from hdsl.diagnostics.diagnostic import Severity
from hdsl.diagnostics.entry import Entry

_MODEL = "data y, x : real\nmu = alpha + beta * x\nalpha, beta ~ normal(0, 1)\n"
_OUTCOME = "y ~ normal(mu, sigma)\n"
_PRIOR = "sigma ~ exponential(1)\n"
_GOOD = _MODEL + _OUTCOME + _PRIOR


def _entry(code: str, title: str, explanation: str, bad: str, good: str = _GOOD) -> Entry:
    return Entry(code, Severity.ERROR, title, explanation, bad, good)


ENTRIES: tuple[Entry, ...] = (
    _entry(
        "H100",
        "a sign or word that cannot stand where it does",
        "The statement makes sense up to this place. The diagnostic lists what could follow there.",
        _GOOD + "total = alpha, beta\n",
    ),
    _entry(
        "H101",
        "an empty model",
        "The file holds no statement, or only comments. The shortest model is one distribution "
        "statement, with default priors for all that it uses.",
        "# nothing yet\n",
    ),
    _entry(
        "H102",
        "a character that HDSL does not have",
        "Names are made of letters of any script, digits and `_`; any other column is declared "
        'once, `data price from "Unit price (USD)" : positive`. Signs that a word processor puts '
        "in (a long minus, a multiplication cross) are typed as on the keyboard.",
        _MODEL + _OUTCOME + "sigma ~ exponential(50%)\n",
        _MODEL + _OUTCOME + "sigma ~ exponential(0.5)\n",
    ),
    _entry(
        "H103",
        "a text in quotes of another kind",
        'Texts (labels, titles, names of columns) stand between straight double quotes, `"A"`.',
        "data y : real\nlevel rack from 'Rack no.'\n",
        'data y : real\nlevel rack from "Rack no."\ny ~ normal(mu, sigma)\nmu ~ rack\n' + _PRIOR,
    ),
    _entry(
        "H104",
        "a text without its closing quote",
        'A text ends on the line where it begins. A `"` inside it is written twice.',
        'model "Radon in homes\n' + _GOOD,
        'model "Radon in homes"\n' + _GOOD,
    ),
    _entry(
        "H105",
        "a bracket that is never closed",
        "Inside brackets the end of a line does not end the statement, so a missing bracket is "
        "often noticed only lines later; the diagnostic points at the bracket itself.",
        _MODEL + "y ~ normal(mu, sigma\n" + _PRIOR,
    ),
    _entry(
        "H106",
        "a closing bracket without its opening one",
        "Each `)`, `]` and `}` closes the last bracket that was opened, which must be of its kind.",
        _MODEL + "y ~ normal(mu, sigma))\n" + _PRIOR,
    ),
    _entry(
        "H107",
        "a statement that says nothing",
        "A statement gives a distribution or levels (`~`), defines (`=`), or begins with one of "
        "the words `model level data report`.",
        _GOOD + "alpha + beta\n",
        _GOOD + "total = alpha + beta\n",
    ),
    _entry(
        "H108",
        "something is missing beside a sign",
        "An infix sign stands between two expressions; `~` and `=` have a left and a right side.",
        _MODEL + _OUTCOME + "sigma ~\n",
    ),
    _entry(
        "H109",
        "a definition with a foreign sign",
        "A definition is written with `=`. `==` compares, as 0/1; `<-` and `:=` belong to other "
        "languages.",
        "data y, x : real\nmu <- alpha + beta * x\n",
    ),
    _entry(
        "H110",
        "a power written with `**`",
        "A power is written with `^`, as in a paper.",
        _GOOD + "variance = sigma**2\n",
        _GOOD + "variance = sigma^2\n",
    ),
    _entry(
        "H111",
        "nothing left of `~` or `=`",
        "Left of the sign stands what has the distribution, varies over the levels, or is defined.",
        _MODEL + _OUTCOME + "; ~ exponential(1)\n",
    ),
    _entry(
        "H112",
        "an expression where a formula of levels stands",
        "Right of `~` stands a distribution, `normal(mu, sigma)`, or a formula of levels, "
        "`market / submarket | income`. HDSL has no regression formulas: the outcome's "
        "distribution holds the whole equation, and a coefficient that varies says over what.",
        "data y, x : real\ny ~ alpha + beta * x\n",
    ),
    _entry(
        "H113",
        "a formula that goes on behind the bar",
        "Behind the bar stand group-level predictors, separated by commas; a sum of them takes "
        "brackets. A term with a bar that is not the last one stands in parentheses: "
        "`(store | size) + week`.",
        "data y : real\ndata size : real per store\n"
        "y ~ normal(mu, sigma)\nmu ~ store | size + week\n",
        "data y : real\ndata size : real per store\n"
        "y ~ normal(mu, sigma)\nmu ~ week + (store | size)\n" + _PRIOR,
    ),
    _entry(
        "H114",
        "an expression left of `~` or `=`",
        "Left stands a name (with levels in brackets, if it varies), an accessor such as "
        "`sd(beta)`, or an invertible function of one of these: `log(sigma)`, `sigma^2`.",
        _MODEL + _OUTCOME + "2 * sigma ~ exponential(1)\n",
    ),
    _entry(
        "H115",
        "a brace out of place",
        "Braces hold the members of a level or of an ordered type. There are no blocks: a model is "
        "one list of statements, in any order.",
        "model {\n  y ~ normal(mu, sigma)\n",
    ),
    _entry(
        "H116",
        "a comment with a foreign sign",
        "A comment begins with `#` and ends with the line.",
        "// demand by region\n" + _GOOD,
        "# demand by region\n" + _GOOD,
    ),
    _entry(
        "H117",
        "an expression that is nested too deeply",
        "At most 50 brackets stand inside one another, and at most 200 operations depend on one "
        "another in one expression. Definitions take any number of them apart.",
        _GOOD + f"z = {'(' * 60}alpha{')' * 60}\n",
        _GOOD + "z = alpha + beta\n",
    ),
    _entry(
        "H118",
        "an index that counts",
        "Nothing is indexed by number: an index names the level over which a quantity varies, "
        '`b[region]`, or the label of one group, `alpha["North"]`. Which row belongs to which '
        "group follows from the levels.",
        _GOOD + "first = alpha[1]\n",
        "data y : real\ny ~ normal(mu, sigma)\nmu ~ region\n" + _PRIOR + 'first = mu["1"]\n',
    ),
    _entry(
        "H119",
        "comparisons in a chain",
        "A comparison is 0 or 1. Two of them are joined by a product.",
        "data y, x : real\ndata inside = 0 < x < 1\n",
        "data y, x : real\ndata inside = (0 < x) * (x < 1)\n"
        "y ~ normal(alpha + beta * inside, sigma)\nalpha, beta ~ normal(0, 1)\n" + _PRIOR,
    ),
    _entry(
        "H120",
        "two expressions side by side",
        "Between two expressions stands an operator or, inside brackets, a comma.",
        "data y, x : real\nmu = alpha + 2 x\n",
        "data y, x : real\nmu = alpha + 2 * x\nalpha ~ normal(0, 1)\n" + _OUTCOME + _PRIOR,
    ),
    _entry(
        "H121",
        "a declaration that cannot be read",
        "`level` and `data` statements follow fixed forms: `level school from school_id in "
        "district ordered`, `level period = category : week`, `level part = {front, back}`; "
        "`data price from unit_price : positive per region`, `data z = log(price)`.",
        "data y, x\n" + _OUTCOME,
    ),
    _entry(
        "H122",
        "a title without quotes",
        'The title of a model is a text: `model "Radon in homes"`.',
        "model Radon\n" + _GOOD,
        'model "Radon"\n' + _GOOD,
    ),
    _entry(
        "H123",
        "a number too large",
        "Numbers are 64-bit floating point: the largest is about 1.8e308.",
        _MODEL + _OUTCOME + "sigma ~ exponential(1e400)\n",
    ),
    _entry(
        "H124",
        "two statements in one",
        "A statement ends with its line or at `;`, and has one `~` or one `=`.",
        _MODEL + "y ~ normal(mu, sigma) sigma ~ exponential(1)\n",
    ),
    _entry(
        "H125",
        "a distribution inside an expression",
        "Right of `~` a distribution stands alone. What shifts or scales it goes into its "
        "arguments, or into a definition of what it is the distribution of.",
        _MODEL + "y ~ normal(0, sigma) + mu\n" + _PRIOR,
    ),
    _entry(
        "H126",
        "a loop or a branch",
        "Nothing is repeated or chosen by statements: a quantity varies over a level, and a choice "
        "between values is an expression, `where(x > 0, a, b)`.",
        "for (i in 1:N) y[i] ~ normal(mu, sigma)\n",
        "data y : real\ny ~ normal(mu, sigma)\nmu ~ region\n" + _PRIOR,
    ),
)
