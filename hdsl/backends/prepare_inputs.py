"""How `prepare` makes each input: columns, what is observed, numbers learned, index arrays."""

from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from hdsl.backends.impute import imputed_axes
from hdsl.backends.inputs import (
    Chosen,
    Column,
    Computed,
    Count,
    GroupMean,
    Index,
    Input,
    Learned,
    Observed,
    Seen,
    Waves,
    name_input,
    path_of,
)
from hdsl.backends.namer import quoted
from hdsl.backends.parameters import free_level, has_set_members
from hdsl.backends.prepare_blocks import make_block
from hdsl.backends.terms import unfold
from hdsl.check.domains import domain_of
from hdsl.expr import ROW, Aggregate, Apply, Block, Expr, Summary, Value
from hdsl.families.links import link_of
from hdsl.ir.levels import label_axis
from hdsl.ir.model import Data, DataType, Level, LevelKind, Parameter
from hdsl.ir.text import text_of, text_of_number

if TYPE_CHECKING:
    from hdsl.backends.prepare import Preparing

READERS = {DataType.FACTOR: "labels", DataType.ORDERED: "labels", DataType.BINARY: "flags"}
GROUPED = (LevelKind.COLUMN, LevelKind.CROSS)
"""The levels whose groups come from the data."""


def make_input(item: Input, run: "Preparing") -> None:
    """Add the statements that make an input."""
    match item:
        case Column(name=name):
            node = run.model.by_name[name]
            assert isinstance(node, Data)
            run.comment(node)
            _column(node, run)
        case Observed(name=name):
            _observed(name, run)
        case Seen(name=name):
            known = run.have(Observed(name))
            found = (
                f"~np.isnan({known})" if label_axis(run.model, name) is None else f"{known} >= 0"
            )
            run.say(f"{run.made[item]} = np.flatnonzero({found})")
        case Learned(summary=summary):
            _learned(summary, run.made[item], run)
        case Computed(expr=expr, domain=domain):
            run.say(f"{run.made[item]} = {run.write(expr, domain)}")
        case Index(coarse=coarse, fine=fine):
            _index(coarse, fine, run.made[item], run)
        case Count(coarse=coarse, fine=fine):
            index = run.have(Index(coarse, fine))
            size = f"len(coords[{quoted(coarse)}])"
            run.say(f"{run.made[item]} = np.bincount({index}, minlength={size})")
        case Chosen(level=level, label=label):
            if run.model.levels[level].kind is LevelKind.BLOCK:
                run.have(Column(level))  # which names its members
            place = run.call("position", f"coords[{quoted(level)}]", quoted(level), quoted(label))
            run.say(f"{run.made[item]} = {place}")
        case GroupMean(of=mean):
            _group_mean(mean, run.made[item], run)
        case Waves():
            _waves(item, run)
        case _:
            assert_never(item)


def _column(node: Data, run: "Preparing") -> None:
    target = run.made[Column(node.name)]
    if isinstance(node.expr, Aggregate):
        _group_mean(node.expr, target, run)
        return
    if isinstance(node.expr, Block):
        make_block(node, node.expr, run)
        return
    if node.expr is not None:
        expr = unfold(node.expr, run.model, node.domain)
        run.say(f"{target} = {run.write(expr, node.domain)}")
        return
    name = quoted(node.column or node.name)
    reader = READERS.get(node.type, "numbers")
    gaps = node.name in run.may_miss
    if node.domain == (ROW,):
        value = run.call(reader, "rows", name)
        if gaps:
            value = run.call("outcome", "rows", name, reader, "len(row)", "is_training")
        run.say(f"{target} = {value}")
        return
    _level_column(node, target, name, reader, gaps, run)


def _level_column(
    node: Data, target: str, name: str, reader: str, gaps: bool, run: "Preparing"
) -> None:
    """A column with one value per group."""
    (level,) = node.domain
    run.call(reader)
    arguments = (
        quoted(level),
        name,
        reader,
        "rows",
        "tables",
        f"[{', '.join(quoted(c) for c in path_of(level, run.model))}]",
        f"coords[{quoted(level)}]",
        run.have(Index(level, ROW)),
    )
    extra = ("missing=True",) if gaps else ()
    run.say(f"{target} = {run.call('per_level', *arguments, *extra)}")


def _observed(name: str, run: "Preparing") -> None:
    """The values that the distribution is evaluated at: transformed where the statement says so."""
    target = run.made[Observed(name)]
    outcome = next(o for o in run.model.likelihoods if o.name == name)
    node = run.model.by_name[name]
    assert isinstance(node, Data)
    value = run.have(Column(name))
    axis = label_axis(run.model, name)
    if axis is not None:
        _coded(axis, target, value, run)
        return
    if outcome.transform is not None:
        inner: Expr = Value(name)
        if outcome.transform.negated:
            inner = Apply("-", (inner,))
        link = link_of(outcome.transform.link, outcome.transform.power)
        value = run.write(link.apply(inner), node.domain)
        run.say(f"{target} = {value}")
    elif outcome.imputed:
        run.say(f"{target} = {value}")
    if name not in run.seen:
        run.say("if is_training:")
        run.say(f"    {run.call('observed', quoted(name), value)}")


def _coded(axis: Level, target: str, value: str, run: "Preparing") -> None:
    """The place of each row's label among the labels, those that the model lists or all found."""
    assert axis.of is not None
    node = run.model.by_name[axis.of]
    assert isinstance(node, Data)
    labels = node.members
    if axis.baseline is not None:
        labels = tuple(sorted(labels, key=lambda label: label != axis.baseline))
    options = [f"[{', '.join(map(quoted, labels))}]"] if labels else []
    if axis.baseline is not None and not labels:
        options.append(f"first={quoted(axis.baseline)}")
    if axis.of not in run.seen:
        options.append("known=is_training")
    arguments = (quoted(axis.of), value, "learned", *options)
    run.say(f"{target} = {run.call('coded', *arguments)}")


def _learned(summary: Summary, target: str, run: "Preparing") -> None:
    axes = domain_of(summary, run.model)
    values = run.write(summary.argument, (*summary.domain, *axes))
    function = {"mean": "np.nanmean", "min": "np.nanmin", "max": "np.nanmax"}.get(summary.function)
    if function is None:
        run.call("sd")
        function = "sd"
    name, learn = quoted(text_of(summary)), "learn_each" if axes else "learn"
    run.say(f"{target} = {run.call(learn, name, function, values, 'learned')}")


def _group_mean(mean: Aggregate, target: str, run: "Preparing") -> None:
    """The means of the groups, of which new ones bring their own rows."""
    (level,), (own,) = mean.to, domain_of(mean.argument, run.model)
    arguments = (
        quoted(text_of(mean)),
        run.write(mean.argument, (own,)),
        f"coords[{quoted(level)}]",
        run.have(Index(level, own)),
        "learned",
    )
    run.say(f"{target} = {run.call('group_means', *arguments)}")


def _waves(item: Waves, run: "Preparing") -> None:
    """The waves of a function and their frequencies, on the domain of the training data."""
    domain = (item.level,)
    targets = {part: replace(item, part=part) for part in ("frequency", "basis")}
    for wave in targets.values():
        run.made[wave] = name_input(run.names, wave, run.model)
    values = run.write(item.argument, domain)
    ends = (run.have(Learned(Summary(end, item.argument, domain))) for end in ("min", "max"))
    call = run.call("waves", values, *ends, str(item.count), text_of_number(item.boundary))
    run.say(f"{', '.join(run.made[wave] for wave in targets.values())} = {call}")


def _index(coarse: str, fine: str, target: str, run: "Preparing") -> None:
    parameters = (node for node in run.model.nodes if isinstance(node, Parameter))
    owner = next((p for p in parameters if has_set_members(p) and free_level(p.name) == fine), None)
    data = imputed_axes(run.model).get(fine)
    if owner is not None:
        _free(owner, run)
    elif data is not None and coarse == data.domain[0]:
        run.say(f"{target} = np.flatnonzero(np.isnan({run.have(Column(data.name))}))")
    elif data is not None:
        above = run.have(Index(coarse, data.domain[0]))
        run.say(f"{target} = {above}[{run.have(Index(data.domain[0], fine))}]")
    elif coarse == fine:
        run.say(f"{target} = np.arange(len(coords[{quoted(coarse)}]))")
    elif fine != ROW:
        arguments = (run.have(Index(coarse, ROW)), run.have(Index(fine, ROW)), "learned")
        name = quoted(f"{coarse} of {fine}")
        run.say(f"{target} = {run.call('group_of_each', name, *arguments)}")


def _free(node: Parameter, run: "Preparing") -> None:
    """The positions of the members that are not set to constants."""
    free = free_level(node.name)
    targets = [name_input(run.names, Index(level, free), run.model) for level in node.domain]
    for level, name in zip(node.domain, targets, strict=True):
        run.made[Index(level, free)] = name
    for level in node.domain:
        if run.model.levels[level].kind is LevelKind.BLOCK:
            run.have(Column(level))
    mask = run.names(("mask", node.name), free)
    sizes = ", ".join(f"len(coords[{quoted(level)}])" for level in node.domain)
    shape = sizes if len(targets) == 1 else f"({sizes})"
    run.say(f"{mask} = np.full({shape}, True)")
    for labels, _ in node.pinned:
        terms = run.terms()
        at = [terms.position(lv, lb) for lv, lb in zip(node.domain, labels, strict=True)]
        run.say(f"{mask}[{', '.join(at)}] = False")
    if node.baseline:
        run.say(f"{mask}[{'' if len(targets) == 1 else '..., '}0] = False")
    left = targets[0] if len(targets) == 1 else ", ".join(targets)
    found = f"np.flatnonzero({mask})" if len(targets) == 1 else f"np.nonzero({mask})"
    run.say(f"{left} = {found}")
