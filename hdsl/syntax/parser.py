"""From text to a syntax tree, or to everything that is wrong with it, at once."""

import re

from lark import Token, UnexpectedToken

from hdsl.diagnostics.diagnostic import Diagnostic, Label
from hdsl.source import Source
from hdsl.syntax import grammar
from hdsl.syntax.ast import Comment, File
from hdsl.syntax.builder import span_of
from hdsl.syntax.layout import split

_EMPTY_LINE = re.compile(r"(?:^|\n)([^\S\n]*)(?=\n)")


def parse(source: Source) -> tuple[File, tuple[Diagnostic, ...]]:
    """The statements that can be read, and a diagnostic for each that cannot."""
    layout = split(grammar.scanner().scan(source.text))
    statements = []
    diagnostics = []
    for tokens in layout.statements:
        machine = grammar.parser().parse_interactive()
        try:
            for token in tokens:
                machine.feed_token(token)
            statements.append(machine.feed_token(Token("$END", "")))
        except UnexpectedToken as error:
            diagnostics.append(
                Diagnostic("H100", f"unexpected `{error.token}`", Label(span_of(error.token)))
            )
    comments = tuple(Comment(str(t), own, span=span_of(t)) for t, own in layout.comments)
    blank_lines = tuple(m.start(1) for m in _EMPTY_LINE.finditer(source.text))
    return File(tuple(statements), comments, blank_lines), tuple(diagnostics)
