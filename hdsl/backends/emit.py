"""From a model to Python source: lower, prune, print."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePath

from hdsl.backends.backend import Backend
from hdsl.backends.collapsed import lower_collapsed
from hdsl.backends.generated import Generated
from hdsl.backends.helpers import HELPERS
from hdsl.backends.impute import imputed_axes, with_missing_values
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
)
from hdsl.backends.linked import split_linked
from hdsl.backends.lower import Lowering, lower_nodes, may_be_missing, sizes_of
from hdsl.backends.namer import Namer, harmless
from hdsl.backends.numpyro import NUMPYRO
from hdsl.backends.order import together
from hdsl.backends.parameters import free_level, has_set_members, is_all_set
from hdsl.backends.prepare import lower_prepare
from hdsl.backends.program import Collapsed, Load, Program, Sample
from hdsl.backends.prune import prune
from hdsl.backends.pymc import PYMC
from hdsl.backends.python_file import definitions, print_file
from hdsl.backends.quotation import Quotation
from hdsl.expr import ROW
from hdsl.ir.arranged import Arranged
from hdsl.ir.facts import Facts
from hdsl.ir.model import Data, Level, LevelKind, Model, Parameter
from hdsl.ir.text import text_of_target

BACKENDS: Mapping[str, Backend] = {backend.name: backend for backend in (NUMPYRO, PYMC)}
"""The backends by name."""


def emit(
    model: Model, backend: str, facts: Facts | None = None, arranged: Arranged | None = None
) -> Generated:
    """The model as a Python file for a backend; what ``facts`` say of the data stands in it.

    ``arranged`` is the same posterior arranged for sampling, which the file then has besides.
    """
    names = Namer((*HELPERS, *definitions(BACKENDS[backend].library)))
    quotation = Quotation(model.source)
    model = _laid_out(model, facts, quotation)
    seen = may_be_missing(model, facts)
    lowering = Lowering(model, names, facts, seen, quotation)
    for level in model.levels:
        lowering.size(level)
    lower_nodes(lowering)
    body, used = prune(lowering.body)
    inputs = {item: name for item, name in lowering.inputs.items() if name in used}
    loads = tuple(Load(name) for name in dict.fromkeys(inputs.values()))
    collapsed, more = _collapsed(arranged, lowering)
    inputs |= more
    quotation.last = -1
    lines, helpers = lower_prepare(model, names, quotation, seen, inputs, lowering.twins)
    program = Program(
        title=model.title,
        source_name=harmless(PurePath(model.source.name).name),
        notes=_notes(model, facts),
        coords=_coords(model),
        dims=tuple(lowering.dims.items()),
        sizes=sizes_of(lowering, body, used),
        body=(*loads, *body),
        prepare=lines,
        helpers=helpers,
        collapsed=collapsed,
    )
    return _generated(model, program, lowering, inputs, backend)


def _generated(
    model: Model, program: Program, lowering: Lowering, inputs: Mapping[Input, str], backend: str
) -> Generated:
    """The printed file with what a caller must know of it."""
    names = lowering.names
    text, served = print_file(program, BACKENDS[backend])
    return Generated(
        text=text,
        backend=backend,
        lines=served,
        keys=_keys(model, inputs),
        row_index=_row_index(model, names),
        observed={i.name: name for i, name in inputs.items() if isinstance(i, Observed)},
        seen={i.name: name for i, name in inputs.items() if isinstance(i, Seen)},
        sites={o.name: text_of_target(o.name, o.transform) for o in model.outcomes},
        auxiliary=tuple(lowering.auxiliary),
        dims=lowering.dims,
        site_domains={
            statement.site: statement.domain
            for statement in program.body
            if isinstance(statement, Sample) and statement.observed is None
        },
        by_row=_by_row(model, inputs, names),
        free=_free(model, names),
        imputed=_imputed(model, names),
        collapsed=program.collapsed is not None,
        condensed=program.collapsed is not None and program.collapsed.condensed,
    )


def _collapsed(
    arranged: Arranged | None, lowering: Lowering
) -> tuple[Collapsed | None, Mapping[Input, str]]:
    """The functions that sample an arranged model, and their inputs; None for one as written."""
    if arranged is None or not arranged.changed:
        return None, {}
    lowering.quotation.last = -1
    own = _laid_out(arranged.model, lowering.facts, lowering.quotation)
    own = replace(own, levels=lowering.model.levels)
    given = (lowering.names, lowering.facts, lowering.seen, lowering.quotation, lowering.model)
    fast = Lowering(own, *given, scored=dict(arranged.scored))
    return lower_collapsed(arranged, fast), fast.inputs


def _laid_out(model: Model, facts: Facts | None, quotation: Quotation) -> Model:
    """The model in a reader's order, with all axes that only generated code has."""
    return together(
        _with_free_levels(with_missing_values(split_linked(model), facts)), quotation.place
    )


def _coords(model: Model) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The axes whose members the model names."""
    levels = (level for level in model.levels.values() if level.kind.is_axis)
    return tuple((level.name, level.members) for level in levels if level.members)


def _imputed(model: Model, names: Namer) -> dict[str, tuple[str, str, str]]:
    """The axes of missing values: the column of each, its level, and the key of their places."""
    return {
        axis: (data.name, data.domain[0], name_input(names, Index(data.domain[0], axis), model))
        for axis, data in imputed_axes(model).items()
    }


def _keys(model: Model, inputs: Mapping[Input, str]) -> dict[str, str]:
    """Where each column stands in `data`; an outcome as it is observed, if untransformed."""
    plain = {outcome.name for outcome in model.outcomes if outcome.transform is None}
    return {
        item.name: name
        for item, name in inputs.items()
        if isinstance(item, Column) or (isinstance(item, Observed) and item.name in plain)
    }


def _row_index(model: Model, names: Namer) -> dict[str, str]:
    found: dict[str, str] = {}
    for level in model.levels.values():
        if level.kind in (LevelKind.COLUMN, LevelKind.CROSS):
            item: Input = Index(level.name, ROW)
            found[level.name] = name_input(names, item, model)
    return found


def _by_row(model: Model, inputs: Mapping[Input, str], names: Namer) -> tuple[str, ...]:
    """The inputs that have a value for every row; where an outcome is seen, for those rows."""

    def first(item: Input) -> str | None:
        match item:
            case Column(name=name) | Observed(name=name) | Seen(name=name):
                node = model.by_name[name]
                return node.domain[0] if isinstance(node, Data) and node.domain else None
            case Index(fine=fine):
                return fine
            case Computed(domain=domain):
                return next(iter(domain), None)
            case Waves(part="basis", level=level):
                return level
            case GroupMean(of=mean):
                return mean.to[0]
            case Learned() | Chosen() | Count() | Waves():
                return None

    keys = [key for item, key in inputs.items() if first(item) == ROW]
    return tuple(dict.fromkeys((*keys, *_row_index(model, names).values())))


def _free(model: Model, names: Namer) -> dict[str, tuple[tuple[str, str], ...]]:
    """The axes of parameters with set members, as the levels and index arrays that make them."""
    found = {}
    for node in model.nodes:
        if isinstance(node, Parameter) and _splits(node, model):
            axis = free_level(node.name)
            keys = (name_input(names, Index(level, axis), model) for level in node.domain)
            found[axis] = tuple(zip(node.domain, keys, strict=True))
    return found


def _notes(model: Model, facts: Facts | None) -> tuple[str, ...]:
    """What is known of the data, for the docstring."""
    if facts is None:
        return ()
    sizes = [
        f"{harmless(level.name)}: {facts.sizes[level.name]:,} groups"
        for level in model.levels.values()
        if level.kind in (LevelKind.COLUMN, LevelKind.CROSS) and level.name in facts.sizes
    ]
    found = [f"For data of {', '.join([f'{facts.rows:,} rows', *sizes])}"]
    if facts.missing:
        found.append(
            f"Some values of {', '.join(sorted(facts.missing))} are missing: they are predicted"
        )
    return tuple(f"{line}." for line in found)


def _splits(node: Parameter, model: Model) -> bool:
    """Whether some members of a parameter are set and others are drawn."""
    return has_set_members(node) and not is_all_set(node, model)


def _with_free_levels(model: Model) -> Model:
    """The model with a level for the free members of every parameter that has pinned ones."""
    levels = dict(model.levels)
    row = levels.pop(ROW)
    for node in model.nodes:
        if isinstance(node, Parameter) and _splits(node, model):
            name = free_level(node.name)
            levels[name] = Level(name, LevelKind.FIXED, parents=node.domain)
    return replace(model, levels=levels | {ROW: row})
