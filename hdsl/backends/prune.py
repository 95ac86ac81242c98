"""Which variables a program's statements use, and the program without those that nothing does."""

import re
from collections.abc import Iterator

from hdsl.backends.expressions import write
from hdsl.backends.program import (
    Assign,
    CholeskyLkj,
    Comment,
    Drawn,
    Factor,
    Increasing,
    JointNormal,
    Load,
    Record,
    Return,
    Sample,
    Scored,
    Statement,
    Term,
    Variable,
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
        if isinstance(statement.distribution, Increasing):
            texts += statement.distribution.sizes
    return frozenset[str]().union(*(variables(text) for text in texts))


def _terms(statement: Statement) -> Iterator[Term]:
    match statement:
        case Assign(value=value) | Record(value=value) | Factor(value=value) | Return(value=value):
            yield value
        case Sample(distribution=Drawn() as drawn) | Sample(distribution=Increasing(each=drawn)):
            yield from _arguments(drawn)
        case Sample(distribution=Scored(each=drawn, typical=typical)):
            yield from _arguments(drawn)
            yield typical
        case Sample(distribution=CholeskyLkj(concentration=concentration)):
            yield concentration
        case Sample(distribution=JointNormal(location=location, factor=factor)):
            yield location
            yield factor
        case Comment() | Load() | Sample():
            pass


def _arguments(drawn: Drawn) -> Iterator[Term]:
    yield from (term for _, term in drawn.arguments)
    if drawn.value is not None:
        yield Variable(drawn.value)
    for inner in drawn.inner:
        yield from _arguments(inner)


def over(drawn: Drawn) -> tuple[str, ...]:
    """The levels over which the mixtures in a distribution are."""
    own = (drawn.along,) if drawn.along is not None and drawn.inner else ()
    return (*own, *(level for inner in drawn.inner for level in over(inner)))


def bound(target: str | None, call: str, used: frozenset[str]) -> str:
    """The call, with its value bound to a variable where some statement uses it."""
    return f"{target} = {call}" if target in used else call


def prune(body: list[Statement]) -> tuple[tuple[Statement, ...], frozenset[str]]:
    """The statements whose values are used or kept, and every variable that they read."""
    used: set[str] = set()
    kept: list[Statement] = []
    for statement in reversed(body):
        if isinstance(statement, Assign) and used.isdisjoint(variables(statement.target)):
            continue
        if isinstance(statement, Comment) and _says_nothing(statement, kept):
            continue
        used |= used_by(statement)
        kept.append(statement)
    return tuple(reversed(kept)), frozenset(used)


def _says_nothing(comment: Comment, rest: list[Statement]) -> bool:
    """Whether the statements that a comment was written for are gone; ``rest`` is reversed."""
    following = rest[-1] if rest else None
    if following is None:
        return True
    return isinstance(following, Comment) and not (comment.line and following.line is None)
