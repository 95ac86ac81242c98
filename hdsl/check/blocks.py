"""Blocks of columns: `data X = [promo, onehot(weekday)]`, and `X @ theta`, which sums over them.

A block's axis is a level named after the block; a block after a bar is data named by its text.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from hdsl.check.domains import block_axes
from hdsl.check.scope import DataSpec, Scope, text
from hdsl.check.several import resolve_several
from hdsl.check.spelling import quoted
from hdsl.diagnostics.diagnostic import Label as Place
from hdsl.expr import BROKEN, SEVERAL, Apply, Block, Contraction, Domain, Expr, Value
from hdsl.ir.blocks import block_members
from hdsl.ir.model import Level, LevelKind
from hdsl.ir.text import label_of_item
from hdsl.source import Span
from hdsl.syntax import ast

if TYPE_CHECKING:
    from hdsl.check.resolve import Resolver


def is_block(expr: ast.Expr | ast.LevelName | None) -> bool:
    """Whether an expression gives columns side by side by itself."""
    return isinstance(expr, ast.Block) or (isinstance(expr, ast.Call) and expr.name in SEVERAL)


def declare_blocks(scope: Scope, file: ast.File) -> None:
    """An axis for every block of a `data` statement and, named by its text, after a bar."""
    for spec in scope.data.values():
        if is_block(spec.expr):
            scope.levels.setdefault(spec.name, _axis(spec.name, spec.span))
    for statement in file.statements:
        if not isinstance(statement, ast.Tilde) or not isinstance(statement.right, ast.Formula):
            continue
        for term in statement.right.terms:
            for predictor in term.predictors if isinstance(term, ast.Term) else ():
                if is_block(predictor) and text(predictor) not in scope.data:
                    name = text(predictor)
                    scope.data[name] = DataSpec(name, predictor.span, expr=predictor, hoisted=True)
                    scope.levels[name] = _axis(name, predictor.span)


def _axis(name: str, span: Span) -> Level:
    return Level(name, LevelKind.BLOCK, span=span)


def written_members(scope: Scope) -> set[str]:
    """What the columns of blocks may be called, as far as it is written in the file."""
    found: set[str] = set()
    for spec in scope.data.values():
        for item in spec.expr.items if isinstance(spec.expr, ast.Block) else ():
            if item.keyword is not None:
                found.add(item.keyword)
            elif isinstance(item.value, ast.Ref):
                found.add(item.value.name)
    return found


# ---------------------------------------------------------------- the columns of a block


def resolve_block(resolver: "Resolver", name: str, expr: ast.Expr) -> Expr:
    """The typed form of a block named ``name``; the members of its axis are then known."""
    scope = resolver.scope
    items = expr.items if isinstance(expr, ast.Block) else (ast.Arg(expr, span=expr.span),)
    found = tuple(_items(resolver, items))
    if not items:
        scope.report(
            "H409",
            "a block needs a column",
            expr.span,
            "nothing stands between the brackets",
            help=f"write `data {name} = [promo, price]`",
        )
    block = Block(name, found, span=expr.span)
    members = block_members(
        block, lambda item: _axes(resolver, item), lambda axis: scope.levels[axis].members
    )
    _report_twins(resolver, block, members)
    scope.levels[name] = replace(scope.levels[name], members=members)
    return block


def _items(resolver: "Resolver", items: tuple[ast.Arg, ...]) -> Iterator[tuple[str, Expr]]:
    for item in items:
        assert not isinstance(item.value, ast.LevelName)
        if isinstance(item.value, ast.Call) and item.value.name in SEVERAL:
            expr = resolve_several(resolver, item.value)
        elif isinstance(item.value, ast.Block):
            resolver.scope.report(
                "H409", "a block cannot stand inside another", item.value.span, "brackets in one"
            )
            continue
        else:
            expr = resolver.resolve(item.value)
        named = isinstance(expr, Value) and _axes(resolver, expr)
        yield item.keyword or ("" if named else label_of_item(expr)), expr


def _axes(resolver: "Resolver", expr: Expr) -> Domain:
    return block_axes(resolver.scope.levels, resolver.domain(expr))


def _report_twins(resolver: "Resolver", block: Block, members: tuple[str, ...]) -> None:
    labels = members or _own_labels(block)
    twins = [label for label in dict.fromkeys(labels) if labels.count(label) > 1]
    if twins:
        begin = twins[0].removesuffix(":…")
        last = next((e for label, e in reversed(block.items) if label == begin), block)
        resolver.scope.report(
            "H409",
            f"two columns of the block `{block.axis}` are called {quoted(twins[:1])}",
            last.span,
            "called so again",
            help=f"give it a name of its own: `{begin}_2 = …`"
            if begin.isidentifier()
            else "give it a name of its own with `=`",
        )


def _own_labels(block: Block) -> tuple[str, ...]:
    """The labels that the items have; those of several columns are but beginnings of names."""
    several = [isinstance(e, Apply) and e.function in SEVERAL for _, e in block.items]
    return tuple(
        f"{label}:…" if is_several else label
        for (label, _), is_several in zip(block.items, several, strict=True)
        if label
    )


def refuse_block(resolver: "Resolver", name: str, span: Span) -> None:
    """Report an outcome that is a block."""
    declared = resolver.scope.data[name].span
    if block_axes(resolver.scope.levels, resolver.domain_of(name, declared)):
        resolver.scope.report(
            "H409",
            f"the block `{name}` cannot be an outcome",
            span,
            "an outcome is one column",
            others=(Place(declared, "several columns side by side"),),
            help="write a statement for each column",
        )


# ---------------------------------------------------------------- contraction


def contract(resolver: "Resolver", expr: ast.Binary) -> Expr:
    """`X @ theta`: the sum over the one axis that both sides have."""
    scope = resolver.scope
    left, right = resolver.resolve(expr.left), resolver.resolve(expr.right)
    if BROKEN in (left, right):
        return BROKEN
    ours, theirs = (
        tuple(level for level in resolver.domain(side) if scope.levels[level].kind.is_axis)
        for side in (left, right)
    )
    shared = [axis for axis in ours if axis in theirs]
    if len(shared) == 1:
        return Contraction(shared[0], Apply("*", (left, right)), span=expr.span)
    names = [text(side) for side in (expr.left, expr.right)]
    if shared:
        why, help = f"both sides vary over {quoted(shared)}", "keep one axis in common"
    elif not ours and not theirs:
        why = "neither side is a block, nor a coefficient of one"
        help = f"for a product of two numbers write `{names[0]} * {names[1]}`"
    else:
        axis, other = (ours[0], names[1]) if ours else (theirs[0], names[0])
        why = f"`{other}` has no value per column of `{axis}`"
        help = f"give `{other}` one per column: `{other}[{axis}] ~ 1`, or `~ store` if it varies"
    scope.report("H409", "`@` sums over the columns of a block", expr.span, why, help=help)
    return BROKEN
