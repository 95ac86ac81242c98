"""Who mentions whom: walks over statements and expressions as written."""

from collections import Counter
from collections.abc import Iterator

from hdsl.check.scope import Scope, text
from hdsl.check.targets import ACCESSORS
from hdsl.syntax import ast

SUMMARIES = ("mean", "sd", "min", "max")
AGGREGATES = ("average", "total")


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


def level_arguments(call: ast.Call) -> Iterator[ast.Expr | ast.LevelName]:
    """The arguments of a call that may name the level of its result."""
    if call.name in AGGREGATES:
        yield from (arg.value for arg in call.args[1:] if arg.keyword is None)


class Mentions:
    """Which names the statements of a file use."""

    def __init__(self, file: ast.File) -> None:
        varying = frozenset(
            target.name
            for statement in file.statements
            if isinstance(statement, ast.Tilde) and isinstance(statement.right, ast.Formula)
            for target in statement.targets
            if isinstance(target, ast.Ref)
        )
        self._used = {id(s): _used(s, varying) for s in file.statements}
        self._users = Counter(name for used in self._used.values() for name in used)
        self._equations = any(
            self._used[id(s)] and not self.elsewhere(node.name, s)
            for s in file.statements
            if isinstance(s, ast.Tilde) and isinstance(s.right, ast.Call)
            for target in s.targets
            for node in walk(target)
            if isinstance(node, ast.Ref)
        )

    def elsewhere(self, name: str, statement: ast.Statement) -> bool:
        """Whether another statement uses the name."""
        return self._users[name] > (name in self._used[id(statement)])

    def is_outcome(self, name: str, statement: ast.Tilde) -> bool:
        """Whether a name is an outcome where nothing is declared: nothing else uses it.

        What is drawn from constants, in a file that has an equation, is an idle parameter.
        """
        idle = self._equations and not self._used[id(statement)]
        return not idle and not self.elsewhere(name, statement)


def _used(statement: ast.Statement, varying: frozenset[str]) -> set[str]:
    exprs = list(expressions(statement))
    if isinstance(statement, ast.Tilde | ast.Define | ast.Report):
        exprs += [t for t in statement.targets if isinstance(t, ast.Call | ast.Binary)]
        exprs += [t for t in statement.targets if isinstance(t, ast.Ref) and t.index]
    nodes = [n for e in exprs for n in walk(e)]
    cut = [a.value for n in nodes if isinstance(n, ast.Call) and n.name == "cut" for a in n.args]
    named = {
        n.name for n in nodes if isinstance(n, ast.Ref) and not any(n is inside for inside in cut)
    }  # `cut(rating)` leaves `rating` free, as summaries of it do
    return named - _only_summarised(exprs, varying)


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
            known = scope.axis_of(name) in scope.levels and name not in scope.coefficients
            return scope.axis_of(name) if known else None
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
