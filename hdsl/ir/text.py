"""Expressions and distributions in HDSL notation, and the stable text dump of a model.

What is printed here is what the language reads: the same operators, the same names. Knows
nothing of the user's layout; the formatter of the syntax tree does.
"""

from collections.abc import Iterator, Sequence
from math import inf
from typing import assert_never

from hdsl.expr import (
    Aggregate,
    Apply,
    Block,
    Constant,
    Contraction,
    Domain,
    Expr,
    Label,
    Member,
    Summary,
    Value,
)
from hdsl.families import FAMILIES
from hdsl.families.family import Support
from hdsl.families.wrapper import WRAPPERS
from hdsl.ir.blocks import slope_term_of
from hdsl.ir.imputed import known
from hdsl.ir.model import (
    Coefficient,
    Correlation,
    Data,
    Definition,
    Deviations,
    Distribution,
    Level,
    LevelKind,
    Model,
    Node,
    Outcome,
    Parameter,
    Transform,
)

# How tightly an operator binds, as in the grammar: comparison < sum < product < minus < power.
COMPARE, SUM, PRODUCT, MINUS, POWER, ATOM = range(6)
BINARY = {
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), (COMPARE, SUM, SUM)),
    **dict.fromkeys(("+", "-"), (SUM, SUM, PRODUCT)),
    **dict.fromkeys(("*", "/", "@"), (PRODUCT, PRODUCT, MINUS)),
    "^": (POWER, ATOM, MINUS),
}

Piece = tuple[str, int]
"""A text and how tightly its outermost operator binds."""


def text_of(expr: Expr) -> str:
    """The expression in HDSL notation, with no bracket that is not needed.

    >>> from hdsl.expr import apply
    >>> text_of(apply("*", apply("+", "alpha", 1), apply("^", "x", 2)))
    '(alpha + 1) * x^2'
    """
    return _text(expr)[0]


def text_of_distribution(distribution: Distribution) -> str:
    """The distribution as it is written in a model: ``normal(mu, 1)``, ``poisson(log_mu = eta)``.

    >>> from hdsl.expr import Constant, Value
    >>> text_of_distribution(Distribution("normal", (("mu", Value("m")), ("sigma", Constant(1.0)))))
    'normal(m, 1)'
    """
    arguments = [
        text_of(value) if keyword is None else f"{keyword} = {text_of(value)}"
        for keyword, value in written_arguments(distribution)
    ]
    wrapped = [text_of_distribution(inner) for inner in distribution.inner]
    return f"{distribution.family}({', '.join(in_place(distribution, wrapped, arguments))})"


def in_place(
    distribution: Distribution, wrapped: Sequence[str], arguments: Sequence[str]
) -> tuple[str, ...]:
    """What a distribution wraps and its written arguments as they follow each other in a call.

    A mixture begins with its weights, in brackets where there is one for each component.
    """
    if distribution.family != "mixture":
        return (*wrapped, *arguments)
    listed = distribution.along is None
    return (f"[{', '.join(arguments)}]" if listed else arguments[0], *wrapped)


def written_arguments(distribution: Distribution) -> Iterator[tuple[str | None, Expr]]:
    """The arguments as they are written: by position, None, as long as the family allows it."""
    family = FAMILIES.get(distribution.family)
    wrapper = WRAPPERS.get(distribution.family)
    if wrapper is not None and wrapper.several:
        yield from ((None, value) for _, value in distribution.arguments)
        return
    known = family or wrapper
    given = [name for name, _ in distribution.arguments]
    order = given if known is None else [p.name for p in known.parameters if p.otherwise is None]
    named = (family is not None and not family.positional) or (
        wrapper is not None and wrapper.by_name
    )
    for place, (name, value) in enumerate(distribution.arguments):
        named = named or order[place : place + 1] != [name]
        yield (name if named else None), value


def text_of_number(value: float) -> str:
    """The shortest text of a number: whole numbers without a point.

    >>> text_of_number(2.0), text_of_number(0.5), text_of_number(1e-9)
    ('2', '0.5', '1e-09')
    """
    whole = value == value and abs(value) < 1e15 and value == int(value)
    return str(int(value)) if whole else repr(value)


def text_of_target(name: str, transform: Transform | None) -> str:
    """What stands left of ``~``: the name, or the function of it that has the distribution.

    >>> text_of_target("beta", Transform("log", negated=True))
    'log(-beta)'
    """
    if transform is None:
        return name
    inner = f"-{name}" if transform.negated else name
    if transform.link == "power":
        assert transform.power is not None
        return f"{inner}^{text_of_number(transform.power)}"
    return f"{transform.link}({inner})"


def text_of_support(support: Support) -> str:
    """The support in a word where there is one, else as an interval.

    >>> text_of_support(Support(0.0)), text_of_support(Support(-1.0, 1.0))
    ('positive', '(-1, 1)')
    """
    low, high = support.lower, support.upper
    match (low, high, support.discrete):
        case (0.0, 1.0, True):
            return "binary"
        case (0.0, high, True) if high == inf:
            return "count"
        case (0.0, high, False) if high == inf:
            return "positive" if support.open_lower else "nonnegative"
        case (low, high, False) if low == -inf and high == inf:
            return "real"
    left = "(" if support.open_lower else "["
    right = ")" if support.open_upper else "]"
    kind = "integers in " if support.discrete else ""
    return f"{kind}{left}{text_of_number(low)}, {text_of_number(high)}{right}"


def dump(model: Model) -> str:
    """The whole model as text, one node a line, the same for equal models."""
    title = [f'model "{model.title}"'] if model.title is not None else []
    levels = [_level(level) for level in model.levels.values()]
    nodes = [_node(node) for node in model.nodes]
    coefficients = [_coefficient(model, c) for c in model.coefficients]
    return "\n".join([*title, *levels, *nodes, *coefficients]) + "\n"


def _text(expr: Expr) -> Piece:
    match expr:
        case Constant(value=value):
            return text_of_number(value), MINUS if value < 0 else ATOM
        case Label(text=text):
            return f'"{text}"', ATOM
        case Value(name=name):
            return known(name), ATOM
        case Member():
            return _member(expr), ATOM
        case Summary(function=function, argument=argument):
            return f"{function}({text_of(argument)})", ATOM
        case Block(items=items):
            return f"[{', '.join(_item(label, item) for label, item in items)}]", ATOM
        case Contraction(axis=axis, argument=argument):
            return _contraction(axis, argument)
        case Aggregate(function=function, argument=argument, to=to, weight=weight):
            weighed = () if weight is None else (f"weight = {text_of(weight)}",)
            return f"{function}({', '.join((text_of(argument), *to, *weighed))})", ATOM
        case Apply(function="dummies", arguments=(factor, Label() as baseline)):
            return f"dummies({text_of(factor)}, baseline = {text_of(baseline)})", ATOM
        case Apply(function=function, arguments=arguments):
            return compose(function, tuple(_text(argument) for argument in arguments))
        case _:
            assert_never(expr)


def _item(label: str, item: Expr) -> str:
    """A column of a block, its label written where it is not what the column is called anyway."""
    written = text_of(item)
    return written if label in ("", label_of_item(item), written) else f"{label} = {written}"


def label_of_item(item: Expr) -> str:
    """What a column, or the names of several, is called after where the model does not say.

    >>> label_of_item(Apply("onehot", (Value("weekday"),)))
    'weekday'
    """
    match item:
        case Apply(function="onehot" | "dummies" | "spread", arguments=(first, *_)):
            return text_of(first)
        case Apply(function="columns"):
            return ""
        case _:
            return text_of(item)


def _contraction(axis: str, argument: Expr) -> Piece:
    match argument:
        case Apply(function="*", arguments=(left, right)):
            return compose("@", (_text(left), _text(right)))
        case _:
            return f"sum({text_of(argument)}, {axis})", ATOM


def compose(function: str, arguments: tuple[Piece, ...]) -> Piece:
    """An operator or call over texts that are there already, with brackets where they must be.

    >>> compose("*", (("a + b", SUM), ("c", ATOM)))
    ('(a + b) * c', 2)
    """
    match function, arguments:
        case "-", (operand,):
            return f"-{within(operand, MINUS)}", MINUS
        case "missing", ():
            return "missing", ATOM
        case _, (left, right) if function in BINARY:
            level, left_level, right_level = BINARY[function]
            space = "" if function == "^" else " "
            sides = within(left, left_level), within(right, right_level)
            return f"{space}{function}{space}".join(sides), level
        case _:
            return f"{function}({', '.join(text for text, _ in arguments)})", ATOM


def within(piece: Piece, level: int) -> str:
    """A piece where something that binds at least as tightly as the level must stand."""
    text, own = piece
    return text if own >= level else f"({text})"


def _member(member: Member) -> str:
    labels: list[str] = []
    inner: Value | Member = member
    while isinstance(inner, Member):
        labels.insert(0, f'"{inner.label}"')
        inner = inner.of
    return f"{inner.name}[{', '.join(labels)}]"


def _over(domain: Domain) -> str:
    return f"[{', '.join(domain)}]" if domain else ""


def _level(level: Level) -> str:
    match level.kind:
        case LevelKind.ROW:
            what = "the rows"
        case LevelKind.COLUMN:
            what = f'column "{level.column}"'
        case LevelKind.CROSS:
            what = "observed combinations"
        case LevelKind.FIXED:
            what = "{" + ", ".join(level.members) + "}"
        case LevelKind.BLOCK:
            what = f"columns {{{', '.join(level.members)}}}" if level.members else "columns"
        case LevelKind.CATEGORY:
            known = f" {{{', '.join(level.members)}}}" if level.members else ""
            what = f"labels of `{level.of}`{known} but {level.baseline or 'the first'}"
        case LevelKind.CUT:
            known = f" {{{', '.join(level.members)}}}" if level.members else ""
            what = f"cut points of `{level.of}`{known}"
        case _:
            assert_never(level.kind)
    inside = f" in {', '.join(level.parents)}" if level.parents else ""
    return f"level {level.name}: {what}{inside}{' ordered' if level.ordered else ''}"


def _node(node: Node) -> str:
    where = f"{node.name}{_over(node.domain)}"
    match node:
        case Data():
            return f"data {where}: {_data(node)}"
        case Parameter():
            return f"parameter {where}: {_parameter(node)}"
        case Definition():
            flags = (("not laid out", not node.laid_out), ("not recorded", not node.recorded))
            return f"definition {where} = {text_of(node.expr)}{_flags(flags)}"
        case Deviations():
            return f"deviations {node.name}: {_deviations(node)}"
        case Correlation():
            between = node.axis or ", ".join(node.between)
            prior = text_of(node.concentration)
            return f"correlation {node.name}: between {between} ~ lkj({prior}){_rule(node.rule)}"
        case Outcome():
            left = text_of_target(node.name, node.transform)
            return f"outcome {where}: {left} ~ {text_of_distribution(node.distribution)}"
        case _:
            assert_never(node)


def _data(node: Data) -> str:
    what = node.type.value + (" {" + ", ".join(node.members) + "}" if node.members else "")
    origin = f'column "{node.column}"' if node.expr is None else f"= {text_of(node.expr)}"
    if node.lag is not None:
        origin = f"lag {node.lag.steps} of {node.lag.of} along {node.lag.along}"
        origin += f" inside ({', '.join(node.lag.within)})"
    flags = (("drop", node.drop), ("inferred", node.inferred), ("outcome", node.observed))
    return f"{what}, {origin}{_flags(flags)}"


def _parameter(node: Parameter) -> str:
    left = text_of_target(node.name, node.transform)
    prior = f"{left} ~ {text_of_distribution(node.distribution)}"
    pinned = "".join(f", [{', '.join(labels)}] = {text_of(value)}" for labels, value in node.pinned)
    flags = _flags((("noncentred", not node.centred), ("increasing", node.increasing)))
    return f"{text_of_support(node.support)}, {prior}{pinned}{flags}{_rule(node.rule)}"


def _deviations(node: Deviations) -> str:
    shares = "; ".join(
        f"{s.deviation}{_over((node.level, *s.axes))} sd {s.sd} around {text_of(s.centre)}"
        for s in node.shares
    )
    correlation = f" correlated by {node.correlation}" if node.correlation else ""
    return f"{shares}{correlation}{_flags((('centred', node.centred),))}"


def _coefficient(model: Model, coefficient: Coefficient) -> str:
    parts = "; ".join(
        f"{p.level}: {p.deviation} sd {p.sd}"
        + "".join(f" + {text_of(slope_term_of(model, *slope))}" for slope in p.slopes)
        for p in coefficient.parts
    )
    where = f"{coefficient.scale_name}{_over(coefficient.domain)}"
    crossed = " crossed" if coefficient.crossed else ""
    return f"coefficient {where}: mean {coefficient.mean or '0'}; {parts}{crossed}"


def _flags(flags: tuple[tuple[str, bool], ...]) -> str:
    return "".join(f", {name}" for name, on in flags if on)


def _rule(rule: str | None) -> str:
    return f"  # default: {rule}" if rule is not None else ""
