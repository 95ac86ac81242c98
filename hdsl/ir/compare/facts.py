"""A model as a table of facts: what it says, each thing once, under a key that both sides share."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import assert_never

from hdsl.ir.compare.canonical import Canon
from hdsl.ir.model import (
    Coefficient,
    Correlation,
    Data,
    Definition,
    Deviations,
    Level,
    LevelKind,
    Model,
    Outcome,
    Parameter,
)
from hdsl.ir.text import text_of, text_of_distribution, text_of_target
from hdsl.source import NOWHERE, Span

type Key = tuple[str, ...]

DEFAULT = ", a default"
"""Ends what is shown of a prior that nobody wrote."""

_COMMENT = re.compile(r"""\s+#[^"]*$""")


@dataclass(frozen=True)
class Fact:
    """``value`` is compared, ``shown`` told. Where a fact under one of the keys ``because`` is
    there on one side only, or differs, nothing is said of this one: it follows.
    """

    kind: str
    subject: str
    value: str
    shown: str
    span: Span
    because: tuple[Key, ...] = ()


@dataclass(frozen=True)
class Facts:
    """The facts of one model."""

    model: Model

    @cached_property
    def table(self) -> Mapping[Key, Fact]:
        """All facts by key, in the order of the model."""
        return dict(self._facts())

    @cached_property
    def names(self) -> Mapping[str, str]:
        """The accessors of coefficients with the level always written: `sd(b, region)`."""
        found = {}
        for c in self.model.coefficients:
            for part in c.parts:
                found[part.sd] = f"sd({c.scale_name}, {part.level})"
                found[part.deviation] = f"dev({c.scale_name}, {part.level})"
        for node in self.model.nodes:
            if isinstance(node, Deviations) and node.correlation is not None:
                names = ", ".join(sorted(share.coefficient for share in node.shares))
                found[node.correlation] = f"cor({names}, {node.level})"
        return found

    @cached_property
    def canon(self) -> Canon:
        """How this model's expressions are spelled to be compared."""
        definitions = (n for n in self.model.nodes if isinstance(n, Definition))
        return Canon(self.names, {n.name: n.expr for n in definitions if self._is_written_out(n)})

    def _is_written_out(self, node: Definition) -> bool:
        """Whether a definition is the user's, which is as good as what it stands for."""
        return node.name.isidentifier() and not self._total(node)

    def _total(self, node: Definition) -> bool:
        return any(c.name == node.name for c in self.model.coefficients)

    def _facts(self) -> Iterator[tuple[Key, Fact]]:
        for level in self.model.levels.values():
            if level.name not in self.model.by_name and (what := _level(level)) is not None:
                fact = Fact("level", level.name, what, what, level.span)
                yield ("level", level.name), fact
        for node in self.model.nodes:
            match node:
                case Data():
                    if node.expr is None or node.name != text_of(node.expr):
                        yield ("data", node.name), self._data(node)
                case Parameter():
                    yield from self._parameter(node)
                case Definition():
                    yield from self._definition(node)
                case Deviations():
                    yield from self._deviations(node)
                case Correlation():
                    yield from self._correlation(node)
                case Outcome():
                    yield from self._outcome(node)
        for coefficient in self.model.coefficients:
            yield from self._coefficient(coefficient)

    def _data(self, node: Data) -> Fact:
        what = node.type.value + (" {" + ", ".join(node.members) + "}" if node.members else "")
        origin = f"column {node.column}" if node.expr is None else text_of(node.expr)
        per = "" if node.domain == ("row",) else f" per {' : '.join(node.domain)}"
        flags = " drop" * node.drop + " impute" * node.impute
        shown = f"{origin} : {what}{per}{flags}" if node.expr is None else f"{origin}{per}{flags}"
        value = shown if node.expr is None else f"{self.canon.text(node.expr)}{what}{per}{flags}"
        return Fact("data", node.name, value, shown, node.span)

    def _parameter(self, node: Parameter) -> Iterator[tuple[Key, Fact]]:
        name = self.names.get(node.name, node.name)
        owner = self._owner(node.name)
        arguments = sorted(self.canon.distribution(node.distribution).items())
        left = text_of_target(node.name, node.transform)
        prior = text_of_distribution(node.distribution)
        shown = prior if left == node.name else f"{left} ~ {prior}"
        value = f"{node.transform} {node.distribution.family} {arguments} {node.baseline}"
        value += f" {node.increasing}"
        because: tuple[Key, ...] = (owner,) if owner is not None else ()
        cut = self._cut(node)
        if cut is not None:
            because = (("outcome", cut),)
        elif owner is None:
            each = f" for each {_quoted(node.domain)}" if node.domain else ""
            fact = Fact(
                "role", node.name, f"parameter {node.domain}", f"is one value{each}", node.span
            )
            yield ("name", node.name), fact
            because = (("name", node.name),)
        default = shown + DEFAULT * (node.rule is not None)
        yield ("prior", name), Fact("prior", node.name, value, default, node.span, because)
        for labels, expr in node.pinned:
            member = f"{node.name}[{', '.join(labels)}]"
            value = self.canon.text(expr)
            fact = Fact("member", member, value, text_of(expr), expr.span, because)
            yield ("member", member), fact
        yield (
            ("sampling", name),
            Fact("sampling", f"`{node.name}`", str(node.centred), "", node.span),
        )

    def _cut(self, node: Parameter) -> str | None:
        """The outcome whose cut points a parameter is, if it is that."""
        levels = [self.model.levels[name] for name in node.domain if name in self.model.levels]
        return next((level.of for level in levels if level.kind is LevelKind.CUT), None)

    def _definition(self, node: Definition) -> Iterator[tuple[Key, Fact]]:
        owner = self._owner(node.name)
        shown, value = text_of(node.expr), self.canon.text(node.expr)
        if owner is not None:  # `sd(b) = 0.5` stands where a prior might
            name = self.names.get(node.name, node.name)
            fact = Fact("prior", node.name, f"= {value}", f"= {shown}", node.span, (owner,))
            yield ("prior", name), fact
        elif self._is_written_out(node) and node.recorded:
            where = f" over {', '.join(node.domain)}" if node.domain else ""
            fact = Fact("role", node.name, f"definition {node.domain}", "is computed", node.span)
            yield ("name", node.name), fact
            because = (("name", node.name),)
            fact = Fact("definition", node.name, value, shown + where, node.span, because)
            yield ("definition", node.name), fact

    def _owner(self, name: str) -> Key | None:
        """The fact that an accessor of a coefficient stands or falls with."""
        for c in self.model.coefficients:
            if name == c.mean:
                return ("mean", c.name)
            for part in c.parts:
                if name == part.sd:
                    return ("varies", c.name, part.level)
                for slope, predictor in part.slopes:
                    if name == slope:
                        return ("predictor", c.name, part.level, text_of(predictor))
        for node in self.model.nodes:
            if isinstance(node, Deviations) and node.correlation == name:
                return self._joint(node)
        return None

    def _deviations(self, node: Deviations) -> Iterator[tuple[Key, Fact]]:
        names = sorted(share.coefficient for share in node.shares)
        fact = Fact("sampling", _quoted(names), str(node.centred), node.level, node.span)
        yield ("sampling", *names, node.level), fact
        if node.correlation is not None:
            because = tuple(("varies", name, node.level) for name in names)
            yield (
                self._joint(node),
                Fact("joint", _quoted(names), "", node.level, node.span, because),
            )

    def _joint(self, node: Deviations) -> Key:
        return ("joint", *sorted(share.coefficient for share in node.shares), node.level)

    def _correlation(self, node: Correlation) -> Iterator[tuple[Key, Fact]]:
        joint = next(
            (
                n
                for n in self.model.nodes
                if isinstance(n, Deviations) and n.correlation == node.name
            ),
            None,
        )
        because = () if joint is None else (self._joint(joint),)
        shown = f"lkj({text_of(node.concentration)})"
        default = shown + DEFAULT * (node.rule is not None)
        value = self.canon.text(node.concentration)
        name = self.names.get(node.name, node.name)
        yield ("prior", name), Fact("prior", node.name, value, default, node.span, because)

    def _outcome(self, node: Outcome) -> Iterator[tuple[Key, Fact]]:
        left = text_of_target(node.name, node.transform)
        key = ("outcome", node.name)
        shown = text_of_distribution(node.distribution)
        value = f"{left} {node.distribution.family}"
        yield key, Fact("outcome", left, value, shown, node.span)
        written = {name.partition("_")[2] or name: e for name, e in node.distribution.arguments}
        written |= dict(node.distribution.arguments)
        for name, text in self.canon.distribution(node.distribution).items():
            shown = text_of(written[name]) if name in written else text
            fact = Fact("argument", f"{name} {left}", text, shown, node.span, (key,))
            yield ("argument", node.name, name), fact

    def _coefficient(self, c: Coefficient) -> Iterator[tuple[Key, Fact]]:
        axes = f" over {', '.join(c.axes)}" if c.axes else ""
        form = f"coefficient {c.scale_name} {c.axes}"
        scale = "" if c.scale_name == c.name else f", on the scale of {c.scale_name}"
        levels = _quoted(part.level for part in c.parts)
        shown = f"varies by {levels}{axes}{scale}"
        yield ("name", c.name), Fact("role", c.name, form, shown, c.span)
        name: Key = ("name", c.name)
        if c.mean is not None:
            yield ("mean", c.name), Fact("mean", c.name, "", "", c.span, (name,))
        for part in c.parts:
            varies: Key = ("varies", c.name, part.level)
            yield varies, Fact("varies", c.name, "", part.level, c.span, (name,))
            for _, predictor in part.slopes:
                text = text_of(predictor)
                key = ("predictor", c.name, part.level, text)
                yield key, Fact("predictor", c.name, "", text, c.span, (varies,))


def _quoted(names: Iterable[str]) -> str:
    return " and ".join(f"`{name}`" for name in names)


def _level(level: Level) -> str | None:
    """Where a level's groups come from; None of an axis, which is told where it is used."""
    match level.kind:
        case LevelKind.FIXED:
            what = "{" + ", ".join(level.members) + "}"
        case LevelKind.CROSS:
            what = " : ".join(level.parents)
        case LevelKind.COLUMN:
            what = f"column {level.column}" + "".join(f" in {p}" for p in level.parents)
        case LevelKind.CATEGORY if level.baseline is not None:
            what = f"labels of {level.of}, baseline {level.baseline}"
        case LevelKind.ROW | LevelKind.BLOCK | LevelKind.CATEGORY | LevelKind.CUT:
            return None
        case _:
            assert_never(level.kind)
    return what + " ordered" * level.ordered


def where(fact: Fact, model: Model) -> tuple[int, str] | None:
    """The line of a fact's statement and its text, None where it has no place."""
    if fact.span == NOWHERE:
        return None
    line, _ = model.source.position(fact.span.start)
    return line, _COMMENT.sub("", model.source.line(line)).strip()
