"""Equations in LaTeX: what a paper would print, and what KaTeX, MathJax and GitHub can draw.

Only macros that all three allow: no ``operatorname``, no packages.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hdsl.expr import Apply, Expr, apply, rewrite
from hdsl.families import FAMILIES, parameter
from hdsl.ir.model import Coefficient, Correlation, Deviations, Model, Transform
from hdsl.ir.text import ATOM, COMPARE, MINUS, POWER, PRODUCT, SUM, Piece, text_of, text_of_number
from hdsl.render.notation import Equation, Joint, Section

_GREEK = frozenset(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "  # noqa: SIM905
    "upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega".split()
)
_COMPARISONS = {"==": "=", "!=": r"\ne", "<": "<", "<=": r"\le", ">": ">", ">=": r"\ge"}
_NAMED = frozenset({"exp", "log", "min", "max", "sin", "cos", "tanh"})
_ESCAPES = {c: "\\" + c for c in "#$%&_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


@dataclass(frozen=True)
class Symbol:
    """A letter with what stands below and above it, before any index."""

    base: str
    below: tuple[str, ...] = ()
    above: str = ""

    def written(self, indices: Sequence[str] = ()) -> str:
        """The symbol with its indices, behind its own subscript."""
        below = ",".join((*self.below, *(index.replace("·", r"\cdot") for index in indices)))
        above = f"^{{{self.above}}}" if self.above else ""
        return self.base + above + (f"_{{{below}}}" if below else "")


@dataclass(frozen=True)
class Latex:
    """The notation of LaTeX, with the symbols of one model's quantities."""

    symbols: Mapping[str, Symbol] = field(default_factory=dict)

    def quantity(self, name: str, indices: Sequence[str]) -> str:
        """The symbol with its indices below."""
        return self.symbols.get(name, symbol(name)).written(indices)

    def label(self, text: str) -> str:
        """The label upright."""
        return upright(text)

    def number(self, value: float) -> Piece:
        """Powers of ten as such."""
        mantissa, _, exponent = text_of_number(value).partition("e")
        if exponent:
            return rf"{mantissa} \times 10^{{{int(exponent)}}}", PRODUCT
        return mantissa, MINUS if value < 0 else ATOM

    def rearranged(self, expr: Expr) -> Expr:
        """A fraction of a fraction as one: a / b / c has b c below."""

        def flat(inner: Expr) -> Expr | None:
            match inner:
                case Apply(function="/", arguments=(Apply(function="/", arguments=(a, b)), c)):
                    return rewrite(apply("/", a, apply("*", b, c)), flat)
                case _:
                    return None

        return rewrite(expr, flat)

    def apply(self, function: str, arguments: tuple[Piece, ...]) -> Piece:
        """Fractions, roots and powers as such; a product by closeness."""
        texts = [text for text, _ in arguments]
        match function, arguments:
            case "-", (operand,):
                return f"-{_within(operand, MINUS)}", MINUS
            case (("+" | "-"), (left, right)):
                return f"{_within(left, SUM)} {function} {_within(right, PRODUCT)}", SUM
            case (("*" | "@"), (left, right)):
                return _product(left, right), PRODUCT
            case "/", _:
                return rf"\frac{{{texts[0]}}}{{{texts[1]}}}", POWER
            case "^", (base, _):
                return f"{{{_within(base, ATOM)}}}^{{{texts[1]}}}", POWER
            case _, (left, right) if function in _COMPARISONS:
                sides = _within(left, SUM), _within(right, SUM)
                return f" {_COMPARISONS[function]} ".join(sides), COMPARE
            case "sqrt", _:
                return rf"\sqrt{{{texts[0]}}}", ATOM
            case "abs", _:
                return rf"\left|{texts[0]}\right|", ATOM
        head = rf"\{function}" if function in _NAMED else rf"\mathrm{{{_escaped(function)}}}"
        return (f"{head}{_bracketed(', '.join(texts))}" if texts else head), ATOM

    def vector(self, items: Sequence[str]) -> str:
        """A column vector on one line."""
        written = ", ".join(item.replace("…", r"\ldots") for item in items)
        return f"{_bracketed(written)}^{{\\top}}"

    def contraction(self, left: Piece, right: Piece) -> Piece:
        """A row vector times a column vector."""
        return rf"{{{_within(left, ATOM)}}}^{{\top}} \, {_within(right, MINUS)}", PRODUCT

    def argument(self, family: str, keyword: str | None, value: str) -> str:
        """A linked form as the link of the parameter, ``log mu =``."""
        if keyword is None:
            return value
        known = parameter(FAMILIES[family], keyword) if family in FAMILIES else None
        own, link = known if known is not None else (None, None)
        if own is None or link is None:
            return f"{symbol(keyword).written()} = {value}"
        head, _ = self.apply(link, ((symbol(own.name).written(), ATOM),))
        return f"{head} = {value}"

    def distribution(self, family: str, arguments: Sequence[str]) -> str:
        """The family upright."""
        return rf"\mathrm{{{family}}}{_bracketed(', '.join(arguments))}"

    def target(self, written: str, transform: Transform | None) -> str:
        """The function of the quantity that has the distribution."""
        if transform is None:
            return written
        inner: Piece = (f"-{written}", MINUS) if transform.negated else (written, ATOM)
        if transform.link == "power":
            return self.apply("^", (inner, self.number(transform.power or 1.0)))[0]
        return self.apply(transform.link, (inner,))[0]

    def joint(self, joint: Joint) -> Equation:
        """Vectors, and for two coefficients their covariance written out."""
        right = self.distribution("multinormal", [_column(joint.centres), _covariance(joint)])
        return Equation(_column(joint.totals), "~", right)

    def document(self, title: str | None, sections: Sequence[Section]) -> str:
        """An ``aligned`` block per model: a heading per level, the relations below each other."""
        lines: list[str] = []
        for section in sections:
            lines.append(rf"&\textbf{{{_heading(section)}}}")
            lines += [_line(equation) for equation in section.equations]
        comment = f"% {' '.join(title.split())}\n" if title is not None else ""
        body = " \\\\\n".join(f"  {line}" for line in lines)
        return f"{comment}\\begin{{aligned}}\n{body}\n\\end{{aligned}}\n"


def latex_of(model: Model) -> Latex:
    """The notation for a model: its quantities' symbols, no two of them alike."""
    symbols: dict[str, Symbol] = {}
    taken: set[Symbol] = set()
    plain = ((name, symbol(name)) for name in model.by_name if name.isidentifier())
    for name, wanted in (*plain, *_implied(model)):
        if name in symbols:
            continue
        mine = wanted if wanted not in taken else Symbol(rf"\mathrm{{{_escaped(name)}}}")
        symbols[name] = mine
        taken.add(mine)
    return Latex(symbols)


def _implied(model: Model) -> Iterator[tuple[str, Symbol]]:
    """Symbols of what coefficient statements imply: mu, sigma, gamma and rho of their target."""
    for c in model.coefficients:
        several = len(c.parts) > 1
        own = _scaled(c)
        if c.mean is not None and c.parts:
            yield c.mean, Symbol(r"\mu", (own,))
        for part in c.parts:
            above = upright(part.level) if several else ""
            yield part.sd, Symbol(r"\sigma", (own,), above)
            yield part.deviation, Symbol("u", (own,), above)
            yield f"{c.scale_name}[{part.level}]", Symbol(f"{{{own}}}", (), upright(part.level))
            for slope, predictor in part.slopes:
                yield slope, Symbol(r"\gamma", (own, upright(text_of(predictor))))
    owners = {part.deviation: c for c in model.coefficients for part in c.parts}
    for node in model.nodes:
        if isinstance(node, Deviations) and node.correlation is not None:
            between = tuple(_scaled(owners[share.deviation]) for share in node.shares)
            several = any(len(owners[s.deviation].parts) > 1 for s in node.shares)
            matrix = isinstance(model.by_name.get(node.correlation), Correlation)
            letter = "R" if matrix else r"\rho"
            yield node.correlation, Symbol(letter, between, upright(node.level) if several else "")


def _scaled(coefficient: Coefficient) -> str:
    return Latex().target(symbol(coefficient.name).written(), coefficient.transform)


def symbol(name: str) -> Symbol:
    r"""The symbol of a name: Greek letters by name, what follows ``_`` or a letter below.

    >>> symbol("beta").base, symbol("b_cat").written(), symbol("a0").written(["j"])
    ('\\beta', 'b_{\\text{cat}}', 'a_{0,j}')
    """
    head, _, rest = name.partition("_")
    letters = head.rstrip("0123456789")
    digits = head[len(letters) :]
    if letters not in _GREEK and not (len(letters) == 1 and letters.isalpha()):
        return Symbol(upright(name))
    base = "\\" + letters if letters in _GREEK else _letter(letters)
    below = [digits] if digits else []
    below += [symbol(rest).written()] if rest else []
    return Symbol(base, tuple(below))


def upright(text: str) -> str:
    """Words of the user's, safe inside a formula."""
    return rf"\text{{{_escaped(text)}}}"


def _letter(letter: str) -> str:
    """A letter as such; a Greek one as its macro, which every font has."""
    words = unicodedata.name(letter, "").split()
    is_greek = words[:1] == ["GREEK"] and len(words) == 4
    name = words[3].lower().replace("lamda", "lambda") if is_greek else ""
    if is_greek and words[1] == "CAPITAL":
        name = name.capitalize()
    return "\\" + name if name in _GREEK else letter


def _escaped(text: str) -> str:
    shown = (c if c.isprintable() else " " for c in text)
    return "".join(_ESCAPES.get(c, c) for c in shown)


def _within(piece: Piece, level: int) -> str:
    text, own = piece
    return text if own >= level else _bracketed(text)


def _bracketed(text: str) -> str:
    tall = r"\frac" in text or r"\begin" in text
    return rf"\left({text}\right)" if tall else f"({text})"


def _product(left: Piece, right: Piece) -> str:
    sides = _within(left, PRODUCT), _within(right, MINUS)
    dotted = sides[1][:1].isdigit() or sides[1].startswith("-")
    return (r" \cdot " if dotted else r" \, ").join(sides)


def _column(items: Sequence[str]) -> str:
    if len(items) == 1:
        return items[0]
    return rf"\begin{{pmatrix}} {r' \\ '.join(items)} \end{{pmatrix}}"


def _covariance(joint: Joint) -> str:
    correlation = joint.correlation
    if not joint.is_matrix and len(joint.sds) == 2:
        one, two = joint.sds
        across = rf"{correlation} \, {one} \, {two}"
        rows = rf"{{{one}}}^2 & {across} \\ {across} & {{{two}}}^2"
        return rf"\begin{{pmatrix}} {rows} \end{{pmatrix}}"
    scales = rf"\mathrm{{diag}}({', '.join(joint.sds)})"
    return rf"{scales} \, {correlation} \, {scales}"


def _line(equation: Equation) -> str:
    relation = r"\sim" if equation.relation == "~" else "="
    return rf"{equation.left} &{relation} {equation.right}"


def _heading(section: Section) -> str:
    if not section.each:
        return "for all"
    each = r" $\times$ ".join(f"{_escaped(level)} ${index}$" for level, index in section.each)
    inside = " and ".join(f"{_escaped(level)} ${at}$" for level, at in section.lookups)
    return f"for each {each}{f', in {inside}' if inside else ''}"
