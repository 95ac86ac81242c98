"""Which coefficients vary jointly at which level, after every `cor` statement has had its say."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from hdsl.check.mentions import level_argument
from hdsl.check.resolve import Resolver
from hdsl.check.scope import CoefficientSpec, Scope, Setting, spell, text
from hdsl.check.spelling import quoted
from hdsl.syntax import ast


@dataclass(frozen=True)
class Joint:
    """Coefficients whose deviations at a level are drawn together; one alone is the common case.

    ``scalar`` names the correlation of two, ``matrix`` the node of three or more (or of an axis);
    ``pairs`` the results `cor(a, b)` with the positions that they relate.
    """

    level: str
    specs: tuple[CoefficientSpec, ...]
    scalar: str | None = None
    matrix: str | None = None
    axis: str | None = None
    pairs: tuple[tuple[str, int, int], ...] = ()


def register_correlations(resolver: Resolver) -> None:
    """Make every `cor` quantity known by name, so that statements can be about it."""
    scope = resolver.scope
    links = _links(scope)
    for at, a, b in links:
        resolver.quantities[_pair_name(scope, links, at, a, b)] = ()
    for setting in scope.settings:
        if setting.target.accessor != "cor":
            continue
        subjects, level = _subjects(scope, setting)
        if len(subjects) == 1:
            spec = scope.by_scale(subjects[0])
            if spec is not None and len(spec.axes) == 1:
                for each in spec.levels if level is None else (level,):
                    resolver.quantities[scope.quantity("cor", spec, each)] = ()
        elif len(subjects) > 2:
            for name in _matrix_names(scope, links, subjects, level):
                resolver.quantities[name] = ()


def _subjects(scope: Scope, setting: Setting) -> tuple[list[str], str | None]:
    args = setting.target.arguments
    level = level_argument(scope, args[-1]) if len(args) > 1 else None
    plain = args[:-1] if level else args
    return [text(a.value) for a in plain if not isinstance(a.value, ast.LevelName)], level


Links = tuple[tuple[str, CoefficientSpec, CoefficientSpec], ...]


def _links(scope: Scope) -> Links:
    """All pairs that are joint: those of one statement, and those that a `cor` statement joins."""
    found: dict[tuple[str, str, str], tuple[str, CoefficientSpec, CoefficientSpec]] = {}
    specs = tuple(scope.coefficients.values())
    for a, b in combinations(specs, 2):
        if a.statement is b.statement and a.axes == b.axes:
            for at in a.levels:
                found[(at, a.name, b.name)] = (at, a, b)
    for setting in scope.settings:
        if setting.target.accessor != "cor":
            continue
        subjects, level = _subjects(scope, setting)
        named = [s for s in specs if s.scale in subjects]
        for a, b in combinations(named, 2):
            if a.statement is b.statement or a.axes != b.axes:
                continue
            for each in a.levels:
                if each in b.levels and level in (None, each):
                    found[(each, a.name, b.name)] = (each, a, b)
    return tuple(found.values())


def _pair_name(
    scope: Scope, links: Links, level: str, a: CoefficientSpec, b: CoefficientSpec
) -> str:
    shared = sum(x is a and y is b for _, x, y in links)
    spelled = any(("cor", s.scale, level) in scope.spelled_with_level for s in (a, b))
    return spell("cor", (a.scale, b.scale), level if shared > 1 or spelled else None)


def _matrix_names(
    scope: Scope, links: Links, subjects: list[str], level: str | None
) -> Iterator[str]:
    levels = {each for each, a, b in links if {a.scale, b.scale} <= set(subjects)}
    ordered = tuple(s.scale for s in scope.coefficients.values() if s.scale in subjects)
    for each in sorted(levels):
        if level in (None, each):
            yield spell("cor", ordered, each if len(levels) > 1 or level else None)


def joint_sets(resolver: Resolver) -> list[Joint]:
    """The coefficients of every level in the groups in which they are drawn."""
    scope = resolver.scope
    links = _links(scope)
    kept = []
    for level, a, b in links:
        name = _pair_name(scope, links, level, a, b)
        if _is_dropped(scope, name):
            del scope.definitions[name]
        else:
            kept.append((level, a, b))
    joints: list[Joint] = []
    for level in dict.fromkeys(lv for s in scope.coefficients.values() for lv in s.levels):
        members = [s for s in scope.coefficients.values() if level in s.levels]
        edges = [(a, b) for at, a, b in kept if at == level]
        for group in _components(members, edges):
            joints.append(_joint(resolver, links, level, group, edges))
    position = {name: i for i, name in enumerate(scope.coefficients)}
    return sorted(
        joints, key=lambda j: (position[j.specs[0].name], j.specs[0].levels.index(j.level))
    )


def _is_dropped(scope: Scope, name: str) -> bool:
    definition = scope.definitions.get(name)
    if definition is None:
        return False
    return isinstance(definition.expr, ast.Number) and definition.expr.value == 0


def _components(
    members: list[CoefficientSpec], edges: list[tuple[CoefficientSpec, CoefficientSpec]]
) -> list[tuple[CoefficientSpec, ...]]:
    group = {spec.name: spec.name for spec in members}
    for a, b in edges:
        old, new = group[b.name], group[a.name]
        group = {name: new if label == old else label for name, label in group.items()}
    labels = dict.fromkeys(group.values())
    return [tuple(s for s in members if group[s.name] == label) for label in labels]


def _joint(
    resolver: Resolver,
    links: Links,
    level: str,
    group: tuple[CoefficientSpec, ...],
    edges: list[tuple[CoefficientSpec, CoefficientSpec]],
) -> Joint:
    scope = resolver.scope
    if len(group) == 1:
        return _alone(scope, level, group[0])
    within = [(a, b) for a, b in edges if a in group and b in group]
    if len(within) < len(group) * (len(group) - 1) // 2:
        linked = {frozenset((a.scale, b.scale)) for a, b in within}
        loose = next(
            (a, b) for a, b in combinations(group, 2) if frozenset((a.scale, b.scale)) not in linked
        )
        scope.report(
            "H405",
            f"the correlation of {quoted(s.scale for s in loose)} cannot be dropped alone",
            loose[1].target.span,
            "both are correlated with a third coefficient",
            help="an lkj matrix has no single zero: drop one coefficient's correlations with all "
            "the others, or write it in a statement of its own",
        )
    if len(group) == 2:
        return Joint(level, group, scalar=_pair_name(scope, links, level, *group))
    pairs = tuple(
        (_pair_name(scope, links, level, group[i], group[j]), i, j)
        for i, j in combinations(range(len(group)), 2)
    )
    subjects = tuple(s.scale for s in group)
    several = len({each for each, a, b in links if a in group and b in group}) > 1
    spelled = ("cor", subjects[0], level) in scope.spelled_with_level
    return Joint(
        level,
        group,
        None,
        spell("cor", subjects, level if several or spelled else None),
        None,
        pairs,
    )


def _alone(scope: Scope, level: str, spec: CoefficientSpec) -> Joint:
    """A coefficient by itself; a `cor(theta)` statement correlates its own axis."""
    name = scope.quantity("cor", spec, level)
    if name in scope.parameters and len(spec.axes) == 1:
        return Joint(level, (spec,), None, name, spec.axes[0])
    return Joint(level, (spec,))
