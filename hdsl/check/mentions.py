"""Who mentions whom: walks over statements and expressions as written."""

from collections.abc import Iterator

from hdsl.check.scope import Scope, text
from hdsl.check.targets import ACCESSORS
from hdsl.syntax import ast

SUMMARIES = ("mean", "sd", "min", "max")


def expressions(statement: ast.Statement) -> Iterator[ast.Expr]:
    """The expressions of a statement that use names, its targets aside."""
    match statement:
        case ast.Tilde(right=ast.Formula(terms=terms)):
            for term in terms:
                if isinstance(term, ast.Term):  # `1 | region` is taught, not read
                    yield from term.predictors
        case ast.Tilde(right=right):
            assert isinstance(right, ast.Call)
            yield right
        case ast.Define(expr=expr) | ast.DataDerived(expr=expr):
            yield expr
        case ast.Report(expr=expr):
            if expr is not None:
                yield expr
        case _:
            pass


def walk(expr: ast.Expr | ast.LevelName) -> Iterator[ast.Expr]:
    """An expression and all below it, in order of appearance, without recursion."""
    pending: list[ast.Expr | ast.LevelName] = [expr]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.LevelName):
            continue
        yield node
        match node:
            case ast.Call(args=args) | ast.Block(items=args):
                pending.extend(reversed([a.value for a in args]))
            case ast.Unary(operand=operand):
                pending.append(operand)
            case ast.Binary(left=left, right=right):
                pending.extend((right, left))
            case ast.Number() | ast.Text() | ast.Ref():
                pass


def used_elsewhere(file: ast.File, statement: ast.Tilde) -> frozenset[str]:
    """Names that other statements use: none of them is an outcome where nothing is declared."""
    used: set[str] = set()
    varying = frozenset(
        target.name
        for other in file.statements
        if isinstance(other, ast.Tilde) and isinstance(other.right, ast.Formula)
        for target in other.targets
        if isinstance(target, ast.Ref)
    )
    for other in file.statements:
        if other is statement:
            continue
        exprs = list(expressions(other))
        if isinstance(other, ast.Tilde | ast.Define | ast.Report):
            exprs += [t for t in other.targets if isinstance(t, ast.Call | ast.Binary)]
            exprs += [t for t in other.targets if isinstance(t, ast.Ref) and t.index]
        named = {n.name for e in exprs for n in walk(e) if isinstance(n, ast.Ref)}
        used |= named - _only_summarised(exprs, varying)
    return frozenset(used)


def _only_summarised(exprs: list[ast.Expr], varying: frozenset[str]) -> set[str]:
    """Names that stand in `sd(y)` and its like alone: summaries of data, which leave `y` free."""
    nodes = [node for expr in exprs for node in walk(expr)]
    inside = [
        arg.value
        for node in nodes
        if isinstance(node, ast.Call) and node.name in SUMMARIES and len(node.args) == 1
        for arg in node.args
        if isinstance(arg.value, ast.Ref) and arg.value.name not in varying
    ]
    bare = {n.name for n in nodes if isinstance(n, ast.Ref) and not any(n is i for i in inside)}
    return {ref.name for ref in inside} - bare


def note_spellings(scope: Scope, file: ast.File) -> None:
    """Remember accessors written with a level: the results keep the spelling of the file."""
    for statement in file.statements:
        exprs = list(expressions(statement))
        if isinstance(statement, ast.Tilde | ast.Define | ast.Report):
            exprs += statement.targets
        for expr in exprs:
            for node in walk(expr):
                match node:
                    case ast.Call(name=name, args=(first, *_, last)) if name in ACCESSORS:
                        level = level_argument(scope, last)
                        if level is not None and not isinstance(first.value, ast.LevelName):
                            scope.spelled_with_level.add((name, text(first.value), level))
                    case _:
                        pass


def level_argument(scope: Scope, arg: ast.Arg) -> str | None:
    """The level that the last argument of an accessor names, if it names one."""
    match arg.value:
        case ast.LevelName():
            return scope.level_name(arg.value)
        case ast.Ref(name=name, index=()):
            known = name in scope.levels and name not in scope.coefficients
            return name if known else None
        case _:
            return None


def strip_index(expr: ast.Expr) -> ast.Expr:
    """The expression with the index of the name at its heart taken off."""
    match expr:
        case ast.Ref(name=name):
            return ast.Ref(name)
        case ast.Unary(op=op, operand=operand):
            return ast.Unary(op, strip_index(operand))
        case ast.Call(name=name, args=(arg, *rest)) if not isinstance(arg.value, ast.LevelName):
            return ast.Call(name, (ast.Arg(strip_index(arg.value)), *rest))
        case _:
            return expr
