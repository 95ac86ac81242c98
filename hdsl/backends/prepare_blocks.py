"""How `prepare` makes a block of columns: side by side, in the order of the model."""

from typing import TYPE_CHECKING

from hdsl.backends.inputs import Column, Index, path_of
from hdsl.backends.namer import quoted
from hdsl.check.domains import block_axes, domain_of, grouped
from hdsl.expr import ROW, SEVERAL, Apply, Block, Constant, Domain, Expr, Label
from hdsl.ir.model import Data, Model
from hdsl.ir.text import text_of

if TYPE_CHECKING:
    from hdsl.backends.prepare import Preparing


def make_block(node: Data, block: Block, run: "Preparing") -> None:
    """Add the statements that make a matrix of a block's columns and, where needed, its labels."""
    levels = grouped(run.model.levels, node.domain)
    target = run.made[Column(node.name)]
    labels = f"coords[{quoted(block.axis)}]"
    (label, first), *rest = block.items
    if not rest and _is_several(first):
        matrix, _ = _several(label, first, levels, run, (target, labels))
        if matrix != target:
            run.say(f"{target} = {matrix}")
        return
    parts = [_part(label, item, levels, run) for label, item in block.items]
    run.say(f"{target} = np.column_stack([{', '.join(matrix for matrix, _ in parts)}])")
    if not run.model.levels[block.axis].members:
        run.say(f"{labels} = [{', '.join(members for _, members in parts)}]")


def has_pattern(model: Model) -> bool:
    """Whether the data decide by their columns' names what is in a block."""
    return any(
        isinstance(item, Apply) and item.function == "columns"
        for node in model.nodes
        if isinstance(node, Data) and isinstance(node.expr, Block)
        for _, item in node.expr.items
    )


def _is_several(item: Expr) -> bool:
    return isinstance(item, Apply) and item.function in SEVERAL


def _part(label: str, item: Expr, levels: Domain, run: "Preparing") -> tuple[str, str]:
    """One column, or several as a matrix, over the levels of the block; and what they are called.

    The names are Python source that may stand in a list.
    """
    if _is_several(item):
        name = run.names((text_of(item), label), text_of(item))
        members = run.names((text_of(item), label, "members"), f"{name} members")
        matrix, members = _several(label, item, levels, run, (name, members))
        return matrix, f"*{members}"
    own = domain_of(item, run.model)
    axes = block_axes(run.model.levels, own)
    written = run.write(item, (*levels, *axes))
    if axes:
        inner = f"coords[{quoted(axes[0])}]"
        return written, f"*{run.call('under', quoted(label), inner) if label else inner}"
    if own:
        return written, quoted(label)
    size = "len(row)" if levels == (ROW,) else f"len(coords[{quoted(levels[0])}])"
    return f"np.full({size}, {_as_float(written)})", quoted(label)


def _as_float(written: str) -> str:
    """A whole number with a point, or the column would hold whole numbers."""
    return f"{written}.0" if written.removeprefix("-").isdigit() else written


def _several(
    label: str, item: Expr, levels: Domain, run: "Preparing", targets: tuple[str, str]
) -> tuple[str, str]:
    """The call that makes several columns and their names, each once; where both then are.

    The columns are made where their data live, and are looked up from there.
    """
    assert isinstance(item, Apply)
    own = grouped(run.model.levels, domain_of(item, run.model)) or levels
    if len(own) > 1:
        own = (ROW,)
    key = f"{label} = {text_of(item)} per {own[0]}"
    if key not in run.made:
        run.made[key], run.made[f"{key}: members"] = targets
        run.say(f"{', '.join(targets)} = {_call(label, item, own, run)}")
    matrix, members = run.made[key], run.made[f"{key}: members"]
    if own != levels:
        matrix = f"{matrix}[{run.have(Index(own[0], levels[0]))}]"
    return matrix, members


def _call(label: str, item: Apply, own: Domain, run: "Preparing") -> str:
    name = quoted(label)
    match item.function, item.arguments:
        case "columns", (Label(text=pattern),):
            return _matching(pattern, own, run)
        case "onehot", (factor,):
            written = (name, run.write(factor, own), "learned", *_order(factor, run))
            return run.call("onehot", *written)
        case "dummies", (factor, *baseline):
            left_out = [quoted(b.text) for b in baseline if isinstance(b, Label)] or ["None"]
            written = (name, run.write(factor, own), *left_out, "learned", *_order(factor, run))
            return run.call("dummies", *written)
        case "spline", (x, Constant(value=df)):
            return run.call("spline", name, run.write(x, own), str(int(df)), "learned")
        case _, arguments:
            value, owner, *by = (run.write(argument, own) for argument in arguments)
            return run.call("spread", name, value, owner, "learned", *by)


def _order(factor: Expr, run: "Preparing") -> tuple[str, ...]:
    """The order of a factor's labels where the model writes it."""
    node = run.model.by_name.get(text_of(factor))
    members = node.members if isinstance(node, Data) else ()
    return (f"[{', '.join(map(quoted, members))}]",) if members else ()


def _matching(pattern: str, own: Domain, run: "Preparing") -> str:
    if own == (ROW,):
        run.call("numbers")
        return run.call("matching", quoted(pattern), "rows", "learned")
    level = own[0]
    run.call("numbers")
    return run.call(
        "matching_per_level",
        quoted(level),
        quoted(pattern),
        "rows",
        "tables",
        f"[{', '.join(quoted(c) for c in path_of(level, run.model))}]",
        f"coords[{quoted(level)}]",
        run.have(Index(level, ROW)),
        "learned",
    )
