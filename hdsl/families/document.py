"""The page of all distributions, functions and links, made from the tables.

``python -m hdsl.families.document > docs/families.md`` writes it; a test checks that it is fresh.
"""

from math import inf, isfinite, pi

from hdsl.expr import Apply, Constant, Expr, Value
from hdsl.families import FAMILIES, FUNCTIONS, LINKS
from hdsl.families.bounded import BOUNDED
from hdsl.families.code import Binding, Code, infix, prefix
from hdsl.families.continuous import CONTINUOUS
from hdsl.families.discrete import DISCRETE
from hdsl.families.family import Family, FamilyParameter, Role, Support
from hdsl.families.functions import NEGATION, Function, Library
from hdsl.families.labelled import LABELLED
from hdsl.families.links import Link
from hdsl.families.lookup import called
from hdsl.families.positive import POSITIVES
from hdsl.families.structure import Draw, Structure
from hdsl.families.structures import STRUCTURES
from hdsl.families.wrapper import WRAPPERS

_HEAD = """# Distributions, functions and links

*This page is made from the tables in `hdsl/families` by `python -m hdsl.families.document`.*

Arguments go by position or by name (`normal(0, sigma = 1)`); where PyMC and Stan differ in the
order, by name only. A parameter with linked forms may be given on the link's scale by prefix:
`poisson(log_mu = eta)` is `poisson(exp(eta))`, and both become the same numerically stable code.

A *default* is the prior of a bare name that stands there in an outcome's distribution and has no
statement of its own; `y` is the outcome (where the statement is about `log(y)`, that).

That of a structure's parameter goes by `s`, the scale of what has the structure: that of an
intercept or a slope in the outcome's equation. What has a value "where left out" need not be
written.

In densities `x` is the value, `Gamma` and `Beta` are the functions, `phi` is the standard normal
density, `choose(n, x)` the binomial coefficient, `besselI0` the Bessel function.
"""

_WRAPPERS = """## Distributions made of others

A wrapper takes a distribution `d` and is one. The generated file defines what it calls: the same
formulas for both libraries, accurate far in both tails. What is `truncated` or `censored`, and the
counts of a `hurdle`, must have a distribution function (`log_cdf` in the table): all have but
`bernoulli`, `betabinomial`, `skewnormal`, `vonmises` and the distributions of labels.
"""

_CHAPTERS = (
    ("Any number", CONTINUOUS),
    ("Above zero", POSITIVES),
    ("Between two bounds", BOUNDED),
    ("Counts, and yes or no", DISCRETE),
    ("Labels", LABELLED),
    ("Structures: arrays over a level", STRUCTURES),
)


def families_page() -> str:
    """The whole page as Markdown."""
    parts = [_HEAD, _index()]
    for title, families in _CHAPTERS:
        parts.append(f"## {title}\n")
        parts += [_section(family) for family in families]
    parts += [_wrappers(), _increasing(), _likely(), _functions(), _links()]
    return "\n".join(parts)


def _wrappers() -> str:
    """The chapter of the distributions that are made of others."""
    parts = [_WRAPPERS]
    for wrapper in WRAPPERS.values():
        written = " or ".join(f"`{text}`" for text in wrapper.signatures)
        facts = [f"- call: {written}", f"- density: `{wrapper.density}`"]
        if wrapper.takes:
            facts.append(f"- may wrap: a distribution, {_listed(wrapper.takes)}")
        facts.append(f"- may be a prior: {'yes' if wrapper.for_parameters else 'no'}")
        facts.append(f"- after: {wrapper.reference}")
        head = ("| parameter | is | may be | linked forms | default |", "|---|---|---|---|---|")
        rows = map(_parameter_row, wrapper.parameters)
        parts += [f"### {wrapper.name}\n", wrapper.doc + "\n", "\n".join(facts) + "\n"]
        parts.append("\n".join((*head, *rows)) + "\n")
    return "\n".join(parts)


def _listed(names: frozenset[str]) -> str:
    return ", ".join(f"`{name}`" for name in WRAPPERS if name in names)


def _index() -> str:
    rows = [
        f"| [`{_signature(family)}`](#{family.name}) | {in_words(family.support, family)} |"
        for family in FAMILIES.values()
    ]
    return "\n".join(("| distribution | a value is |", "|---|---|", *rows, ""))


def _signature(family: Family) -> str:
    """The call with its parameters in order.

    >>> _signature(FAMILIES["pareto"])
    'pareto(alpha =, m =)'
    """
    form = "{0}" if family.positional else "{0} ="
    parts = (
        form.format(p.name) if p.otherwise is None else f"{p.name} = {p.otherwise:g}"
        for p in family.parameters
        if p.role is not Role.CUTS
    )
    return f"{family.name}({', '.join(parts)})"


def _section(family: Family) -> str:
    parts = [f"### {family.name}\n", family.doc + "\n"]
    facts = [f"- call: `{_signature(family)}`"]
    if not family.positional:
        facts[0] += ", by name only"
    facts.append(f"- values: {in_words(family.support, family)}")
    facts.append(f"- {_density_word(family)}: `{family.density}`")
    if family.mean is not None and family.variance is not None:
        facts.append(f"- mean: `{_text(family.mean)}`; variance: `{_text(family.variance)}`")
    if family.structure is not None:
        facts += _made(family.structure)
    if family.numpyro:
        facts += [f"- {name}: {_spelled(family, library)}" for name, library in _BACKENDS]
    if family.elsewhere:
        facts.append(f"- elsewhere: {', '.join(f'`{other}`' for other in family.elsewhere)}")
    facts.append(f"- after: {family.reference}")
    parts.append("\n".join(facts) + "\n")
    if family.parameters:
        head = ("| parameter | is | may be | linked forms | default |", "|---|---|---|---|---|")
        parts.append("\n".join((*head, *map(_parameter_row, family.parameters))) + "\n")
    return "\n".join(parts)


_BACKENDS = (("NumPyro", Library.NUMPYRO), ("PyMC", Library.PYMC))


def _made(structure: Structure) -> list[str]:
    """What a structure runs along, and what it is computed from."""
    facts = [f"- along: {structure.along.value}"]
    if structure.value is not None:
        draws = "; ".join(_drawn(draw) for draw in structure.draws)
        facts.append(f"- sampled: {draws}")
        facts.append(f"- value: `{_text(structure.value)}`")
    return facts


def _drawn(draw: Draw) -> str:
    arguments = ", ".join(_text(expr) for expr in draw.arguments.values())
    what = f", {draw.doc}" if draw.doc else ""
    return f"`{draw.name} ~ {draw.family}({arguments})` over {draw.over.value}{what}"


def _density_word(family: Family) -> str:
    if family.structure is not None:
        return "model"
    return "probability" if family.support.discrete else "density"


def _parameter_row(parameter: FamilyParameter) -> str:
    linked = ", ".join(f"`{link}_{parameter.name}`" for link in parameter.links)
    default = _default(parameter)
    words = (parameter.doc, in_words(parameter.support), linked, default)
    return f"| `{parameter.name}` | " + " | ".join(words) + " |"


def _default(parameter: FamilyParameter) -> str:
    if parameter.otherwise is not None:
        return f"{parameter.otherwise:g} where left out"
    if parameter.default is None:
        return ""
    return f"`{parameter.default.format(y='y', scale='s', x='x')}`"


def _spelled(family: Family, library: Library) -> str:
    """The plain spelling, and every linked one that is the backend's own."""
    plain = tuple(p.name for p in family.parameters)
    forms = family.numpyro if library is Library.NUMPYRO else family.pymc
    texts = [f"`{_call(family, library, plain)}`"]
    for form in forms:
        if form != plain:
            given = ", ".join(f"`{name}`" for name in form if name not in plain)
            texts.append(f"with {given} `{_call(family, library, form)}`")
    helper = " (the generated file defines it)" if forms[plain].helper is not None else ""
    return texts[0] + helper + "".join(f"; {text}" for text in texts[1:])


def _call(family: Family, library: Library, form: tuple[str, ...]) -> str:
    call = called(family, library, {name: Value(name) for name in form})
    slots = {name: _written(expr, library).text for name, expr in call.slots.items()}
    return f"{call.spelling.constructor}({call.spelling.arguments.format(**slots)})"


def _written(expr: Expr, library: Library) -> Code:
    match expr:
        case Apply(function="-", arguments=(operand,)):
            return NEGATION.written(library, _written(operand, library))
        case Apply(function=function, arguments=arguments):
            parts = (_written(argument, library) for argument in arguments)
            return FUNCTIONS[function].written(library, *parts)
        case _:
            return _formula(expr)


def in_words(support: Support, family: Family | None = None) -> str:
    """A support as a reader would say it.

    >>> in_words(Support(0.0, discrete=True)), in_words(Support(0.0, 1.0))
    ('a whole number from 0', 'between 0 and 1')
    """
    if family is not None and family.categories is not None:
        return "a label"
    lower = family.lower if family is not None and family.lower else support.lower
    upper = family.upper if family is not None and family.upper else support.upper
    if isinstance(lower, str) or isinstance(upper, str):
        ends = tuple(f"`{end}`" if isinstance(end, str) else f"{end:g}" for end in (lower, upper))
        if upper == inf:
            return f"a number from {ends[0]}"
        return f"a {'whole ' if support.discrete else ''}number from {ends[0]} to {ends[1]}"
    if support.discrete:
        return "0 or 1" if upper == 1 else f"a whole number from {lower:g}"
    if upper == inf and lower == -inf:
        return "any number"
    if upper == inf:
        return f"above {lower:g}" if support.open_lower else f"{lower:g} or above"
    return "an angle from -pi to pi" if upper == pi else f"between {lower:g} and {upper:g}"


def _text(expr: Expr) -> str:
    """A formula in the language's notation."""
    return _formula(expr).text.replace(" ** ", "^").replace("**", "^")


def _formula(expr: Expr) -> Code:
    match expr:
        case Constant(value=value) if value == pi or not isfinite(value):
            return Code("pi" if value == pi else "inf")
        case Constant(value=value):
            return Code(f"{value:g}", Binding.SIGN if value < 0 else Binding.ATOM)
        case Value(name=name):
            return Code(name)
        case Apply(function="-", arguments=(operand,)):
            return prefix("-", _formula(operand))
        case Apply(function=function, arguments=(left, right)) if function in "+-*/^":
            symbol = "**" if function == "^" else function
            return infix(symbol, _formula(left), _formula(right))
        case Apply(function=function, arguments=(left, right)) if not function.isalpha():
            return Code(f"{_text(left)} {function} {_text(right)}", Binding.COMPARISON)
        case Apply(function=function, arguments=arguments):
            return Code(f"{function}({', '.join(map(_text, arguments))})")
        case _:
            raise ValueError(f"not a formula of parameters: {expr}")


def _increasing() -> str:
    return """## Values in increasing order

`increasing(d)` puts values over the last level of the index in order, each with the distribution
`d`, which is of any number or of one above 0. The density is the product of the values' own on
increasing values and 0 elsewhere (the constant n! is left out), so that they are distributed as
n sorted draws of `d`.
"""


def _likely() -> str:
    return """## Elicited priors

`likely(lower, upper)` puts 95% of the parameter's natural family between two values: `normal` for a
parameter that may be any number, `lognormal` for one above zero, and for one between 0 and 1 a
normal distribution of its log odds.
"""


def _functions() -> str:
    rows = [
        f"| `{_usage(function)}` | {function.doc} | {_argument(function)} "
        f"| {_shown(function, Library.NUMPYRO)} | {_shown(function, Library.PYMC)} |"
        for function in FUNCTIONS.values()
        if not function.internal
    ]
    head = ("| function | is | of | NumPyro | PyMC |", "|---|---|---|---|---|")
    return "\n".join(("## Functions and operators\n", *head, *rows, ""))


_LETTERS = "xyz"


def _usage(function: Function) -> str:
    if function.is_operator:
        return f"x {function.name} y"
    if function.arity is None:
        return f"{function.name}(x, y, …)"
    return f"{function.name}({', '.join(_LETTERS[: function.arity])})"


def _argument(function: Function) -> str:
    return in_words(function.domain)


def _shown(function: Function, library: Library) -> str:
    if function.is_operator:
        return ""
    letters = (Code(letter) for letter in _LETTERS[: function.arity or 2])
    return f"`{function.written(library, *letters).text}`"


def _links() -> str:
    head = ("| link | inverse | of a value that is | linked value |", "|---|---|---|---|")
    rows = [_link_row(link) for link in LINKS.values()]
    notes = (
        "A link may stand left of `~` and `=`, of a value or its negation (`log(-beta)`), and",
        "so may a constant power (`sigma^2`). `log logit probit cloglog` make linked forms.",
    )
    return "\n".join(("## Links\n", *notes, "", *head, *rows, ""))


def _link_row(link: Link) -> str:
    inverse = {"inv_probit": "the normal distribution function", "inv_cloglog": "1 - exp(-exp(x))"}
    text = _text(link.inverse)
    name = next((words for key, words in inverse.items() if text.startswith(key)), text)
    shown = name if name.startswith("the ") else f"`{name}`"
    return f"| `{link.name}(x)` | {shown} | {in_words(link.domain)} | {in_words(link.image)} |"


if __name__ == "__main__":
    print(families_page(), end="")
