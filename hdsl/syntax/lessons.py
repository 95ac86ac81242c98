"""What to say where a statement stops making sense: the rules, the most telling first."""

from collections.abc import Callable
from difflib import get_close_matches

from lark import Token

from hdsl.diagnostics.diagnostic import Diagnostic, Label
from hdsl.syntax.builder import span_of
from hdsl.syntax.grammar import spelling
from hdsl.syntax.layout import CLOSING, INFIX, NAMES, OPENING, OPERANDS
from hdsl.syntax.misfit import OPERATORS, Misfit, cover, expected, relations, still_open

Rule = Callable[[Misfit], Diagnostic | None]


def lesson(misfit: Misfit) -> Diagnostic:
    """The diagnostic of the first rule that knows the mistake."""
    return next(found for rule in RULES if (found := rule(misfit)) is not None)


# ------------------------------------------------------------------ other languages


def _block(m: Misfit) -> Diagnostic | None:
    """``model {``, ``data {``: braces round statements, as in BUGS and Stan."""
    if m.type != "LBRACE":
        return None
    if m.index <= 2 and m.relation is None:
        text = "a model is a list of statements, in any order; nothing stands around them"
        return m.says("H115", "HDSL has no blocks in braces", help=text)
    text = "braces hold members: `level part = {front, back}`, `data q : ordered {low, high}`"
    return m.says("H115", "a brace cannot stand here", help=text)


def _loop(m: Misfit) -> Diagnostic | None:
    first = m.tokens[0]
    if first.value not in ("for", "while", "if") or [t.type for t in m.tokens[1:2]] != ["LPAR"]:
        return None
    if first == "if":
        text = "a choice is an expression: `where(x > 0, a, b)`"
        return m.says("H126", "HDSL has no `if`", at=span_of(first), help=text)
    text = "a quantity varies over a level: `alpha ~ region`, or `b[region] ~ normal(0, 1)`"
    return m.says("H126", "HDSL has no loops", at=span_of(first), help=text)


def _foreign_definition(m: Misfit) -> Diagnostic | None:
    """``mu == …`` and ``mu <- …`` where ``=`` was meant."""
    if m.type != "COMPARE" or "EQUAL" not in m.accepts or m.opened:
        return None
    assert m.token is not None
    target = m.text(m.tokens[: m.index])
    if m.token == "==":
        text = f"a definition is written with `=`: `{target} = …`"
        return m.says("H109", "`==` compares and does not define", help=text)
    after = m.tokens[m.index + 1 : m.index + 2]
    if m.token == "<" and after and after[0].type == "MINUS":
        text = f"write `{target} = …` for a definition, `{target} ~ …` for a distribution"
        return m.says(
            "H109", "`<-` does not define anything", at=cover([m.token, *after]), help=text
        )
    return None


# ------------------------------------------------------------------------- brackets


def _wrong_closing(m: Misfit) -> Diagnostic | None:
    if m.type not in CLOSING:
        return None
    if not m.opened:
        return m.says("H106", f"this `{m.token}` closes nothing", "no bracket is open here")
    opened = m.opened[-1]
    if OPENING[opened.type] == m.type:
        return None
    meant = spelling(OPENING[opened.type])
    return m.says(
        "H106",
        f"`{opened}` is closed by `{m.token}`",
        f"`{meant}` is missing before this",
        others=(Label(span_of(opened), "opened here"),),
    )


def _left_open(m: Misfit) -> Diagnostic | None:
    never_closed = [t for t in still_open(m.tokens) if any(t is o for o in m.opened)]
    if not never_closed:
        return None
    opened = never_closed[-1]
    closing = spelling(OPENING[opened.type])
    noticed = () if m.token is None else (Label(m.place, "this cannot stand inside it"),)
    return m.says(
        "H105",
        f"this `{opened}` is never closed",
        f"`{closing}` is missing",
        at=span_of(opened),
        others=noticed,
    )


def _in_index(m: Misfit) -> Diagnostic | None:
    """``alpha[3]``, ``x[i + 1]``: an index names levels, it does not count."""
    if not m.in_index or m.token is None:
        return None
    if m.type == "NUMBER":
        text = f'a group is picked by its label, a text in quotes: `["{m.token}"]`'
        return m.says("H118", "an index is not a number", help=text)
    text = 'an index is the name of a level (`b[region]`) or the label of a group (`b["North"]`)'
    return m.says("H118", "an index is not an expression", help=text)


# --------------------------------------------------------------- sides of a statement


def _no_left(m: Misfit) -> Diagnostic | None:
    if m.index > 0 or m.type not in ("TILDE", "EQUAL"):
        return None
    meant = "what has this distribution" if m.type == "TILDE" else "what is defined"
    return m.says("H111", f"nothing stands left of `{m.token}`", f"{meant} is missing before this")


def _expression_left(m: Misfit) -> Diagnostic | None:
    """``alpha + beta ~ …``: only one quantity, or its link or power, has a distribution."""
    starts = m.index == 0 and m.type in ("NUMBER", "STRING", "LPAR", "LSQB", "MINUS")
    if not starts and not (m.type in OPERATORS and "TILDE" in m.accepts):
        return None
    relation = next(iter(relations(m.tokens)), None)
    if relation is None:
        return None
    headline = f"left of `{relation}` stands a name, not an expression"
    if m.index == 0 and m.type == "MINUS" and len(m.tokens) > 1:
        text = f"for a negative quantity write `log(-{m.tokens[1]}) {relation} …`"
    elif relation == "~":
        text = "name the expression by a definition: `total = a + b`; or use a link: `log(a) ~ …`"
    else:
        text = "solve for one name: `total = a + b`"
    return m.says("H114", headline, help=text)


def _no_relation(m: Misfit) -> Diagnostic | None:
    """A statement that relates nothing: ``alpha``, ``levels region``."""
    if m.head in ("MODEL", "LEVEL", "DATA", "REPORT") or relations(m.tokens) or m.opened:
        return None
    if m.token is not None and m.type not in OPERATORS | OPERANDS:
        return None
    first = m.tokens[0]
    if m.index == 1 and m.type in NAMES | {"STRING"}:
        near = get_close_matches(first.lower(), ["model", "level", "data", "report"], 1, 0.75)
        text = f"did you mean `{near[0]}`?" if near else "`model level data report` begin one"
        return m.says("H107", f"`{first}` begins no statement", at=span_of(first), help=text)
    headline = "a statement needs `~` or `=`"
    text = (
        "`alpha ~ region` lets it vary, `sigma ~ exponential(1)` is a prior, `mu = a + b` defines"
    )
    return m.says("H107", headline, "neither is here", at=cover(m.tokens), help=text)


def _second_relation(m: Misfit) -> Diagnostic | None:
    if m.type not in ("TILDE", "EQUAL") or m.relation is None or m.opened:
        return None
    first = Label(span_of(m.relation), "the first one")
    text = "each statement stands on its own line, or after `;`"
    headline = f"a second `{m.token}` in one statement"
    return m.says("H124", headline, others=(first,), help=text)


def _two_statements(m: Misfit) -> Diagnostic | None:
    if m.opened or "$END" not in m.accepts or m.token is None or m.type not in NAMES:
        return None
    if not relations(m.tokens[m.index :]):
        return None
    text = "begin a new line here, or write `;` between them"
    return m.says("H124", "two statements on one line", "a second one begins", help=text)


# ------------------------------------------------------------------------- operands


def _nothing_right(m: Misfit) -> Diagnostic | None:
    """An infix sign or an opening bracket that nothing follows."""
    before = m.before
    if before is None or before.type not in INFIX | OPENING.keys():
        return None
    place = span_of(before)
    if m.token is None:
        return m.says("H108", f"nothing stands right of `{before}`", at=place)
    if m.type in CLOSING and before.type in OPENING:
        both = cover([before, m.token])
        return m.says("H108", "nothing stands between the brackets", at=both)
    if m.type == "PLUS":
        text = "a number or a name takes no `+` of its own"
        return m.says("H108", "nothing stands left of `+`", text)
    if m.type in INFIX | CLOSING:
        return m.says("H108", f"nothing stands between `{before}` and `{m.token}`", at=place)
    return None


def _chained_comparison(m: Misfit) -> Diagnostic | None:
    inside = m.tokens[m.position(m.opened[-1]) if m.opened else 0 : m.index]
    if m.type != "COMPARE" or not any(t.type == "COMPARE" for t in inside):
        return None
    text = "join two comparisons by `*`: `(a < b) * (b < c)`"
    return m.says("H119", "comparisons do not form a chain", help=text)


def _side_by_side(m: Misfit) -> Diagnostic | None:
    """Two operands with nothing between: ``2 x``, ``normal(mu sigma)``."""
    before = m.before
    if before is None or m.token is None:
        return None
    if before.type not in OPERANDS | CLOSING or m.type not in OPERANDS | {"LPAR"}:
        return None
    if m.head in ("LEVEL", "DATA", "MODEL", "REPORT") and m.relation is None:
        return None
    both = cover([before, m.token])
    headline = f"nothing stands between `{before}` and `{m.token}`"
    if before.type == "NUMBER" and m.type in NAMES | {"LPAR"}:
        after = m.token if m.type in NAMES else "(…)"
        return m.says("H120", headline, at=both, help=f"a product is written `{before} * {after}`")
    missing = {"COMMA": "a comma", "PLUS": "an operator"}
    able = " or ".join(word for terminal, word in missing.items() if terminal in m.accepts)
    if not able:
        return None
    return m.says("H120", headline, f"{able} is missing", at=both)


# ------------------------------------------------------------------------- formulas


def _beside_distribution(m: Misfit) -> Diagnostic | None:
    """``y ~ normal(mu, sigma) + x``."""
    right = _right_of_tilde(m)
    if m.opened or m.type not in OPERATORS | {"VBAR"} or not _is_call(right):
        return None
    text = "put the expression inside its arguments, or name it by a definition"
    return m.says("H125", "a distribution stands alone right of `~`", help=text)


def _formula(m: Misfit) -> Diagnostic | None:
    """What a formula of levels cannot hold, most of it from the formulas of R."""
    right = _right_of_tilde(m)
    if not right or _is_call(right) or any(t.type != "LPAR" for t in m.opened):
        return None
    bars = [t for t in right if t.type == "VBAR"]
    match m.type:
        case "PLUS" if bars:
            text = (
                "commas separate predictors, `region | w, v`; "
                "before another level the term takes brackets, `(region | w) + week`"
            )
            return m.says("H113", "nothing is added behind the bar", help=text)
        case "VBAR" if bars:
            text = "`level | predictors`; for coefficients without correlation write two statements"
            return m.says("H113", "a term has one bar", help=text)
        case "VBAR" if m.opened and m.before is not None and m.before.type in OPERANDS:
            text = (
                "the bar joins one level to its predictors; R's `(1 + x | region)` is written "
                "`alpha, beta ~ region`, with `alpha + beta * x` in the outcome's distribution"
            )
            return m.says("H113", "a bar behind several terms", help=text)
        case "MINUS":
            text = "`0 + region` fixes the mean of the deviations at 0"
            return m.says("H112", "a formula does not subtract", help=text)
        case "LPAR" if m.before is not None and m.before.type in NAMES:
            text = (
                f"a predictor of the groups stands behind the bar, `region | {m.before}(…)`; "
                "an outcome has a distribution, `y ~ normal(mu, sigma)`"
            )
            return m.says("H112", "a formula names levels, not functions", help=text)
        case "STAR" | "CIRCUMFLEX" | "AT" | "COMPARE" | "STRING" | "LSQB":
            return _expression_as_formula(m)
        case _:
            return None


def _expression_as_formula(m: Misfit) -> Diagnostic:
    """``y ~ alpha + beta * x``: most likely an outcome without its distribution."""
    assert m.relation is not None
    at = m.position(m.relation)
    left, right = m.text(m.tokens[:at]), m.text(m.tokens[at + 1 :])
    headline = f"a formula has no `{m.token}`: it adds levels"
    text = (
        f"an outcome has a distribution, `{left} ~ normal({right}, sigma)`; a coefficient varies "
    )
    text += f"over levels, `{left} ~ region | income`"
    return m.says("H112", headline, help=text)


def _right_of_tilde(m: Misfit) -> tuple[Token, ...]:
    """The tokens between ``~`` and the place; none where there is no ``~``."""
    if m.relation is None or m.relation.type != "TILDE":
        return ()
    at = m.position(m.relation)
    return m.tokens[at + 1 : m.index]


def _is_call(tokens: tuple[Token, ...]) -> bool:
    return len(tokens) > 1 and tokens[0].type in NAMES and tokens[1].type == "LPAR"


# --------------------------------------------------------------------- declarations


def _title(m: Misfit) -> Diagnostic | None:
    if m.head != "MODEL":
        return None
    if m.index > 1:
        return m.says("H122", "a model's title is one text", "nothing follows it")
    words = m.text(m.tokens[1:])
    text = f'type `model "{words}"`' if words else 'a title, for example `model "Radon in homes"`'
    place = cover(m.tokens[1:] or m.tokens)
    return m.says("H122", "a model's title is a text in quotes", at=place, help=text)


def _level_statement(m: Misfit) -> Diagnostic | None:
    if m.head != "LEVEL":
        return None
    match m.type:
        case "COMMA":
            text = "each level has a statement of its own"
        case "SLASH":
            text = "nesting is written with `in`: `level school in district`"
        case "COLON" | "STAR":
            text = "an interaction takes a name: `level period = category : week`"
        case _:
            text = "for example `level region from region_id`, `level school in district`"
    return m.says("H121", "this is not a level statement", _expects(m), help=text)


def _data_statement(m: Misfit) -> Diagnostic | None:
    if m.head != "DATA":
        return None
    if m.relation is not None:
        text = "a computed column takes no type: `data z = log(x)`, `data z = log(x) per region`"
        return (
            m.says("H121", "this is not a data statement", help=text) if m.type == "COLON" else None
        )
    if m.type == "$END" and "COLON" in m.accepts:
        names = m.text(m.tokens)
        text = f"say what it holds, `{names} : real`, or how it is computed, `data z = log(x)`"
        return m.says("H121", "a data statement needs a type", help=text)
    text = 'for example `data price from "Unit price" : positive`, `data income : real per region`'
    return m.says("H121", "this is not a data statement", _expects(m), help=text)


# --------------------------------------------------------------------- anything else


def _unexpected(m: Misfit) -> Diagnostic:
    if m.token is None:
        return m.says("H108", "the statement ends too early", _expects(m))
    return m.says("H100", f"`{m.token}` cannot stand here", _expects(m))


def _expects(m: Misfit) -> str:
    after = " next" if m.token is None else ""
    accepts = m.accepts
    if m.before is not None and m.before.type in NAMES:  # what belongs to a name is not missing
        accepts = accepts - {"LPAR", "LSQB", "CIRCUMFLEX"} or accepts
    return f"expected {expected(accepts)}{after}"


RULES: tuple[Rule, ...] = (
    _loop,
    _block,
    _foreign_definition,
    _wrong_closing,
    _left_open,
    _in_index,
    _no_left,
    _expression_left,
    _title,
    _formula,
    _nothing_right,
    _level_statement,
    _data_statement,
    _no_relation,
    _two_statements,
    _second_relation,
    _chained_comparison,
    _beside_distribution,
    _side_by_side,
    _unexpected,
)
