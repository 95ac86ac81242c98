"""The functions beside a model that sample its posterior faster: what the passes found, lowered.

``condense`` reduces the data once, ``collapsed`` is the model as it is sampled, and ``recover``
draws what is integrated out and turns the rest into the sites of the model itself.
"""

from hdsl.backends.gaussian import lower_gaussian
from hdsl.backends.hierarchy import deviate_site
from hdsl.backends.lower import Lowering, lower_nodes, sizes_of
from hdsl.backends.namer import harmless
from hdsl.backends.program import (
    Assign,
    Call,
    Collapsed,
    Gather,
    Kernel,
    Load,
    Return,
    Term,
    Variable,
)
from hdsl.backends.prune import prune, used_by
from hdsl.backends.writing import Writing, factor_of
from hdsl.expr import Constant, Expr, Value, apply
from hdsl.ir.arranged import Arranged, Totals


def lower_collapsed(arranged: Arranged, lowering: Lowering) -> Collapsed:
    """The functions for an arranged model; ``lowering`` is one of its own nodes."""
    lower_nodes(lowering)
    run = Writing(lowering, body=lowering.body)
    for totals in arranged.totals:
        lower_totals(totals, run)
    if arranged.gaussian is not None:
        lower_gaussian(arranged.gaussian, run)
    if run.returned:
        run.body.append(Return(Call("tuple", tuple(run.returned))))
    body, used = prune(run.body)
    loads = [name for name in dict.fromkeys(lowering.inputs.values()) if name in used]
    kept = tuple(name for name in loads if name not in run.made)
    reduced = frozenset[str]().union(*map(used_by, run.condense))
    reads = [name for name in dict.fromkeys(lowering.inputs.values()) if name in reduced]
    every = (*(Load(name) for name in (*kept, *(n for n in run.made if n in used))), *body)
    return Collapsed(
        notes=tuple(_sentence(r.says) for r in arranged.remarks if r.kind == "done"),
        condense=(*(Load(name) for name in reads), *run.condense),
        kept=kept,
        made=tuple(run.made),
        body=every,
        sizes=sizes_of(lowering, body, used | reduced),
        recover=tuple(run.recover),
        recovered=tuple(run.recovered),
        condensed=arranged.gaussian is not None and arranged.gaussian.rest is None,
    )


def _sentence(text: str) -> str:
    """A remark as a sentence of a docstring."""
    return harmless(f"{text[0].upper()}{text[1:]}.")


def lower_totals(totals: Totals, run: Writing) -> None:
    """Add what `recover` needs to draw the deviations that make up totals, and their draws."""
    lowering = run.lowering
    number = [t.level for t in run.totals].count(totals.level)
    run.totals.append(totals)
    by = f"{totals.level} totals" + (f" {number + 1}" if number else "")
    lowering.comment(totals.nodes[0].span)
    names = [run.name(f"{what} of {by}") for what in ("loadings", "factor", "gap")]
    loadings, factor, gap = map(Variable, names)
    size = Variable(lowering.size(totals.level))

    def matrix(rows: tuple[tuple[Expr, ...], ...]) -> Term:
        lines = tuple(
            Call("list", tuple(lowering.term(entry, (totals.level,)) for entry in row))
            for row in rows
        )
        return Kernel("by_group", (Call("list", lines), size))

    gaps = tuple(
        (Value(site) if mean == Constant(0.0) else apply("-", site, mean),)
        for site, mean in zip(totals.sites, totals.means, strict=True)
    )
    run.body += [
        Assign(loadings.name, matrix(totals.loadings)),
        Assign(factor.name, factor_of(totals.nodes, lowering)),
        Assign(gap.name, Gather(matrix(gaps), (":", "0"))),
    ]
    run.returned += [loadings, factor, gap]
    z = run.name(f"z of {by}")
    run.recover.append(
        Assign(z, Kernel("parted", (loadings, factor, gap, Variable("source_draw"))))
    )
    shares = [share for node in totals.nodes for share in node.shares]
    for i, share in enumerate(shares):
        run.recovered.append((deviate_site(share), Gather(Variable(z), (str(i),))))
