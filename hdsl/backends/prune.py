"""Which variables a program's statements use, and the program without those that nothing does."""

import re
from collections.abc import Iterator

from hdsl.backends.expressions import write
from hdsl.backends.program import (
    Assign,
    CholeskyLkj,
    Comment,
    Drawn,
    JointNormal,
    Load,
    Record,
    Sample,
    Statement,
    Term,
)
from hdsl.families.functions import Library


def variables(text: str) -> frozenset[str]:
    """The identifiers in a piece of Python."""
    return frozenset(re.findall(r"(?<![\w.])[^\W\d]\w*", text))


def used_by(statement: Statement) -> frozenset[str]:
    """The variables that a statement reads."""
    texts = [write(term, Library.NUMPYRO) for term in _terms(statement)]
    if isinstance(statement, Sample):
        texts += [*(statement.sizes or ()), statement.observed or "", statement.seen or ""]
        texts.append(statement.event or "")
        if isinstance(statement.distribution, CholeskyLkj):
            texts.append(statement.distribution.size)
    return frozenset[str]().union(*(variables(text) for text in texts))


def _terms(statement: Statement) -> Iterator[Term]:
    match statement:
        case Assign(value=value) | Record(value=value):
            yield value
        case Sample(distribution=Drawn(arguments=arguments)):
            yield from (term for _, term in arguments)
        case Sample(distribution=CholeskyLkj(concentration=concentration)):
            yield concentration
        case Sample(distribution=JointNormal(location=location, factor=factor)):
            yield location
            yield factor
        case Comment() | Load() | Sample():
            pass


def prune(body: list[Statement]) -> tuple[tuple[Statement, ...], frozenset[str]]:
    """The statements whose values are used or kept, and every variable that they read."""
    used: set[str] = set()
    kept: list[Statement] = []
    for statement in reversed(body):
        if isinstance(statement, Assign) and statement.target not in used:
            continue
        if isinstance(statement, Comment) and (not kept or isinstance(kept[-1], Comment)):
            # it would speak of nothing, save where a remark follows it
            if not kept or kept[-1].line is not None:
                continue
        used |= used_by(statement)
        kept.append(statement)
    return tuple(reversed(kept)), frozenset(used)
