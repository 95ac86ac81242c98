"""From text to a syntax tree, or to everything that is wrong with it, at once.

Each statement is parsed by itself: a mistake in one hides nothing of the others.
"""

import re

from lark import Token, UnexpectedToken

from hdsl.diagnostics.diagnostic import Diagnostic, Label
from hdsl.source import Source, Span
from hdsl.syntax import grammar
from hdsl.syntax.ast import Comment, File, Statement
from hdsl.syntax.builder import span_of
from hdsl.syntax.foreign import mend, unreadable
from hdsl.syntax.layout import split
from hdsl.syntax.lessons import lesson
from hdsl.syntax.misfit import Misfit
from hdsl.syntax.nesting import too_many_brackets, too_many_operations

_EMPTY_LINE = re.compile(r"(?:^|\n)([^\S\n]*)(?=\n)")
_END = Token("$END", "")


def parse(source: Source) -> tuple[File, tuple[Diagnostic, ...]]:
    """The statements that can be read, and what is wrong with the others, in source order.

    >>> file, diagnostics = parse(Source("alpha ~ region; sigma ="))
    >>> file.statements
    (Tilde(targets=(Ref(name='alpha', index=()),), right=Formula(terms=(Term(path=(LevelName(names=\
('region',)),), predictors=()),)), option=None),)
    >>> [d.headline for d in diagnostics]
    ['nothing stands right of `=`']
    """
    found: list[Diagnostic] = []
    layout = split(mend(grammar.scanner().scan(source.text), found))
    statements: list[Statement] = []
    for tokens in layout.statements:
        match _statement(source, tokens):
            case Diagnostic() as diagnostic:
                found.append(diagnostic)
            case statement:
                statements.append(statement)
    if not layout.statements and not found:
        found.append(_empty(source))
    if any(d.code == "H115" for d in found):  # the braces that close a block need no mention
        found = [d for d in found if not (d.code == "H106" and "`}`" in d.headline)]
    comments = tuple(Comment(str(t), own, span=span_of(t)) for t, own in layout.comments)
    blank_lines = tuple(m.start(1) for m in _EMPTY_LINE.finditer(source.text))
    return File(tuple(statements), comments, blank_lines), tuple(sorted(found, key=_place))


def _statement(source: Source, tokens: tuple[Token, ...]) -> Statement | Diagnostic:
    """A statement, or the first thing that is wrong with it."""
    obstacle = unreadable(tokens) or too_many_brackets(tokens)
    if obstacle is not None:
        return obstacle
    machine = grammar.parser().parse_interactive()
    position = 0
    try:
        for position, token in enumerate(tokens):  # noqa: B007 - the place of the misfit
            machine.feed_token(token)
        position = len(tokens)
        statement: Statement = machine.feed_token(_END)
    except UnexpectedToken:
        return lesson(Misfit(source, tokens, position, _accepted(tokens[:position])))
    return too_many_operations(statement, len(tokens)) or statement


def _accepted(tokens: tuple[Token, ...]) -> frozenset[str]:
    """The terminals that may follow the tokens.

    The machine that failed cannot tell: it has reduced what it can before it looked at the token.
    """
    machine = grammar.parser().parse_interactive()
    for token in tokens:
        machine.feed_token(token)
    return frozenset(machine.accepts())  # type: ignore[no-untyped-call] # Lark gives it no types


def _empty(source: Source) -> Diagnostic:
    text = "the shortest model is one line: `y ~ normal(mu, sigma)`"
    where = Span(0, min(1, len(source.text)))
    return Diagnostic("H101", "the model is empty", Label(where, "no statement here"), help=text)


def _place(diagnostic: Diagnostic) -> int:
    return -1 if diagnostic.label is None else diagnostic.label.span.start
