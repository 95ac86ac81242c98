"""The whole model written out: the file, its inferred columns, and every default with its rule."""

from collections.abc import Callable

from hdsl.expr import Expr
from hdsl.ir.model import Correlation, Data, Distribution, Model, Outcome, Parameter
from hdsl.ir.text import text_of, text_of_distribution, text_of_target
from hdsl.source import Source
from hdsl.syntax import ast
from hdsl.syntax.parser import parse
from hdsl.syntax.printer import print_expr, print_file

_Default = Parameter | Correlation | Outcome
Evaluate = Callable[[Expr], float | None]


def expand(source: Source, file: ast.File, model: Model, evaluate: Evaluate | None = None) -> str:
    """The file as HDSL that can be saved and edited, with nothing left to a default.

    ``evaluate`` gives the value of a summary of the data, where there are data: then each rule
    is followed by its numbers.
    """
    defaults = {
        node.name: node
        for node in model.nodes
        if isinstance(node, Parameter | Correlation | Outcome) and node.rule is not None
    }
    text = source.text
    for statement in reversed(file.statements):
        lines = _constant_formula(statement, defaults, evaluate)
        if lines:
            span = statement.span
            text = text[: span.start] + "\n".join(lines) + "\n" + text[span.end :]
    head, tail = _split_title(text, file)
    inferred = _inferred(model)
    rest = [_line(node, evaluate) for node in defaults.values()]
    parts = [
        *([head] if head else []),
        *(["\n".join(inferred)] if inferred else []),
        tail.strip("\n"),
        *(["# defaults\n" + "\n".join(rest)] if rest else []),
    ]
    whole, _ = parse(Source("\n\n".join(parts) + "\n"))
    return print_file(whole)


def _constant_formula(
    statement: ast.Statement,
    defaults: dict[str, _Default],
    evaluate: Evaluate | None,
) -> list[str]:
    """The statements that stand in for `a, b ~ 1`; the defaults used are taken off the list."""
    if not isinstance(statement, ast.Tilde) or not isinstance(statement.right, ast.Formula):
        return []
    if any(isinstance(term, ast.Term) for term in statement.right.terms):
        return []
    lines = []
    for target in statement.targets:
        node = defaults.pop(_heart(target), None)
        if node is not None:
            lines.append(_line(node, evaluate, print_expr(target)))
    return lines


def _heart(target: ast.Expr) -> str:
    match target:
        case ast.Ref(name=name):
            return name
        case ast.Call(args=(arg, *_)) if not isinstance(arg.value, ast.LevelName):
            return _heart(arg.value)
        case ast.Unary(operand=operand):
            return _heart(operand)
        case _:
            return ""


def _line(node: _Default, evaluate: Evaluate | None, left: str | None = None) -> str:
    match node:
        case Parameter() | Outcome():
            left = left or text_of_target(node.name, node.transform)
            prior = text_of_distribution(node.distribution)
            numbers = _numbers(node.distribution, evaluate)
        case Correlation():
            left, numbers = node.name, None
            prior = f"lkj({text_of(node.concentration)})"
    shown = f"; here {numbers}" if numbers and numbers != prior else ""
    return f"{left} ~ {prior}  # {node.rule}{shown}"


def _numbers(distribution: Distribution, evaluate: Evaluate | None) -> str | None:
    if evaluate is None:
        return None
    values = [evaluate(expr) for _, expr in distribution.arguments]
    if any(value is None for value in values):
        return None
    return f"{distribution.family}({', '.join(f'{value:.4g}' for value in values)})"


def _split_title(text: str, file: ast.File) -> tuple[str, str]:
    """The text up to its title, if it begins with one, and what follows."""
    first = file.statements[0] if file.statements else None
    if isinstance(first, ast.Title):
        return text[: first.span.end], text[first.span.end :].lstrip("\n;")
    return "", text


def _inferred(model: Model) -> list[str]:
    """Declarations of the columns that no statement declares, one line a type and level."""
    groups: dict[tuple[str, str], list[str]] = {}
    for node in model.nodes:
        if isinstance(node, Data) and node.inferred and node.name not in model.levels:
            per = "" if node.domain == ("row",) else f" per {' : '.join(node.domain[0].split(':'))}"
            groups.setdefault((node.type.value, per), []).append(node.name)
    return [f"data {', '.join(names)} : {kind}{per}" for (kind, per), names in groups.items()]
