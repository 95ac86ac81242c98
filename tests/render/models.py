"""Models built by hand, node by node, as the check stage would: no text is needed to draw them."""

from collections.abc import Sequence

from hdsl.compiler import model_of
from hdsl.expr import Apply, Constant, Domain, Expr, Summary, Value, apply, lift
from hdsl.families.family import CORRELATION, POSITIVE, REAL
from hdsl.ir.facts import Facts
from hdsl.ir.model import (
    Coefficient,
    Correlation,
    Data,
    DataType,
    Definition,
    Deviations,
    Distribution,
    Level,
    LevelKind,
    Model,
    Node,
    Outcome,
    Parameter,
    Part,
    Share,
    Transform,
)
from hdsl.source import Source

ROW = Level("row", LevelKind.ROW)


def column(name: str, *parents: str) -> Level:
    return Level(name, LevelKind.COLUMN, column=name, parents=parents)


def row(*parents: str) -> Level:
    return Level("row", LevelKind.ROW, parents=parents)


def data(
    name: str,
    domain: Domain = ("row",),
    type: DataType = DataType.REAL,
    observed: bool = False,
    expr: Expr | None = None,
) -> Data:
    source = name if expr is None else None
    return Data(name=name, domain=domain, column=source, type=type, observed=observed, expr=expr)


def dist(family: str, **arguments: Expr | float | str) -> Distribution:
    return Distribution(family, tuple((k, lift(v)) for k, v in arguments.items()))


def normal(mu: Expr | float | str = 0, sigma: Expr | float | str = 1) -> Distribution:
    return dist("normal", mu=mu, sigma=sigma)


def halfnormal(sigma: Expr | float | str) -> Distribution:
    return dist("halfnormal", sigma=sigma)


def parameter(
    name: str,
    distribution: Distribution,
    domain: Domain = (),
    rule: str | None = None,
    transform: Transform | None = None,
) -> Parameter:
    support = POSITIVE if distribution.family in ("halfnormal", "exponential", "gamma") else REAL
    return Parameter(
        name=name,
        domain=domain,
        support=CORRELATION if name.startswith("cor(") else support,
        distribution=distribution,
        rule=rule,
        transform=transform,
    )


def add(*terms: Expr | str) -> Expr:
    total = lift(terms[0])
    for term in terms[1:]:
        total = apply("+", total, term)
    return total


def times(left: Expr | str, right: Expr | str) -> Expr:
    return apply("*", left, right)


def scale(outcome: str, predictor: str | None = None) -> Expr:
    """2.5 * sd(outcome) / sd(predictor)."""
    wide = apply("*", 2.5, Summary("sd", Value(outcome), ("row",)))
    if predictor is None:
        return wide
    return apply("/", wide, Summary("sd", Value(predictor), ("row",)))


def coefficients(
    names: Sequence[str],
    parts: Sequence[tuple[str, tuple[str, ...]]],
    priors: dict[str, Distribution],
    wide: Expr,
    *,
    mean: bool = True,
    crossed: bool = False,
    link: Transform | None = None,
    axes: Domain = (),
) -> tuple[list[Node], list[Coefficient]]:
    """Nodes and coefficients of `NAMES ~ level | predictors / …`: parts are from coarse to fine."""
    nodes: list[Node] = []
    several = len(parts) > 1

    def prior(name: str, default: Distribution, domain: Domain = ()) -> None:
        rule = None if name in priors else "scale of the coefficient"
        nodes.append(parameter(name, priors.get(name, default), domain, rule))

    scaled = {n: f"{link.link}({'-' if link.negated else ''}{n})" if link else n for n in names}
    totals: dict[str, Expr] = {}
    for name in names:
        if mean:
            prior(f"mean({scaled[name]})", normal(0, wide), axes)
            totals[name] = Value(f"mean({scaled[name]})")
    described: dict[str, list[Part]] = {n: [] for n in names}
    for place, (level, predictors) in enumerate(parts):
        suffix = f", {level}" if several else ""
        shares: list[Share] = []
        for name in names:
            s = scaled[name]
            prior(f"sd({s}{suffix})", halfnormal(wide), axes)
            slopes = tuple((f"slope({s}, {w})", Value(w)) for w in predictors)
            for slope, predictor in slopes:
                prior(slope, normal(0, apply("/", wide, Summary("sd", predictor, (level,)))), axes)
                term = times(slope, predictor)
                totals[name] = add(totals[name], term) if name in totals else term
            centre = totals.get(name, Constant(0.0))
            shares.append(Share(name, f"dev({s}{suffix})", f"sd({s}{suffix})", axes, centre))
            described[name].append(Part(level, f"dev({s}{suffix})", f"sd({s}{suffix})", slopes))
        joint = ", ".join(scaled[n] for n in names)
        cor = f"cor({joint}{suffix})" if len(names) == 2 else None
        if cor is not None:
            default = dist("lkj", eta=2)
            chosen = priors.get("cor", default)
            nodes.append(parameter(cor, chosen, (), None if "cor" in priors else "lkj(2)"))
        if len(names) > 2:
            cor = f"cor({joint}{suffix})"
            pairs = tuple(
                (f"cor({scaled[a]}, {scaled[b]}{suffix})", i, j)
                for i, a in enumerate(names)
                for j, b in enumerate(names)
                if i < j
            )
            nodes.append(
                Correlation(
                    name=cor,
                    domain=(),
                    concentration=Constant(2.0),
                    between=tuple(names),
                    pairs=pairs,
                    rule="lkj(2)",
                )
            )
        nodes.append(
            Deviations(
                name=f"deviations({joint}{suffix})",
                domain=(level,),
                level=level,
                shares=tuple(shares),
                correlation=cor,
            )
        )
        for name in names:
            deviation = Value(f"dev({scaled[name]}{suffix})")
            totals[name] = add(totals[name], deviation) if name in totals else deviation
            if several and not crossed and place < len(parts) - 1:
                inner = f"{scaled[name]}[{level}]"
                nodes.append(Definition(name=inner, domain=(level, *axes), expr=totals[name]))
                totals[name] = Value(inner)
    domain = tuple(p[0] for p in parts) if crossed else (parts[-1][0],)
    described_all: list[Coefficient] = []
    for name in names:
        expr = totals[name] if link is None else _inverse(link, totals[name])
        nodes.append(
            Definition(
                name=name,
                domain=(*domain, *axes),
                expr=expr,
                laid_out=not crossed,
                recorded=not crossed,
            )
        )
        described_all.append(
            Coefficient(
                name,
                scaled[name],
                link,
                axes,
                f"mean({scaled[name]})" if mean else None,
                tuple(described[name]),
                (*domain, *axes),
                crossed,
            )
        )
    return nodes, described_all


def _inverse(link: Transform, expr: Expr) -> Expr:
    inverse = Apply({"log": "exp", "logit": "expit"}[link.link], (expr,))
    return apply("-", inverse) if link.negated else inverse


def model(
    title: str | None,
    levels: Sequence[Level],
    nodes: Sequence[Node],
    described: Sequence[Coefficient] = (),
) -> Model:
    table = {level.name: level for level in levels}
    return Model(title, table, tuple(nodes), tuple(described), Source("", "test.hdsl"))


def outcome(name: str, distribution: Distribution, domain: Domain = ("row",)) -> Outcome:
    return Outcome(name=name, domain=domain, distribution=distribution)


def radon() -> Model:
    nodes, described = coefficients(
        ["alpha", "beta"], [("county", ("log_uranium",))], {}, scale("log_radon", "floor")
    )
    line = add("alpha", times("beta", "floor"))
    half = dist("halfstudentt", nu=4, sigma=Summary("sd", Value("log_radon"), ("row",)))
    return model(
        "Radon in Minnesota homes",
        [column("county"), row("county")],
        [
            data("log_radon", observed=True),
            data("floor", type=DataType.BINARY),
            data("log_uranium", ("county",)),
            *nodes,
            parameter("sigma", half, rule="residual scale"),
            outcome("log_radon", normal(line, "sigma")),
        ],
        described,
    )


def radon_facts() -> Facts:
    return Facts(919, {"county": 85, "row": 919}, {"county": tuple(f"C{i}" for i in range(85))})


def region() -> Model:
    """The model of the first page of the language reference."""
    nodes, described = coefficients(
        ["alpha", "beta"],
        [("region", ("median_income",))],
        {"sd(beta)": halfnormal(0.5)},
        scale("log_q", "log_p"),
    )
    line = add("alpha", times("beta", "log_p"))
    return model(
        "Demand for one product across regions",
        [column("region"), row("region")],
        [
            data("log_q", observed=True),
            data("log_p"),
            data("median_income", ("region",)),
            *nodes,
            parameter("nu", dist("gamma", alpha=20, beta=3)),
            parameter("sigma", dist("exponential", rate=2)),
            outcome("log_q", dist("studentt", nu="nu", mu=line, sigma="sigma")),
        ],
        described,
    )


def region_facts() -> Facts:
    names = tuple(str(i) for i in range(9))
    return Facts(2379, {"region": 9, "row": 2379}, {"region": names})


def components() -> Model:
    """Two covariance components: intercepts correlated, slopes on income correlated."""
    given = {f"sd({n})": halfnormal(0.2) for n in ("a0", "b0", "a1", "b1")}
    given |= {"cor": dist("lkj", eta=1)}
    wide = Constant(1.0)
    first, one = coefficients(["a0", "b0"], [("region", ())], given, wide, mean=False)
    second, two = coefficients(["a1", "b1"], [("region", ())], given, wide, mean=False)
    alpha = add("a0", times("a1", "median_income"))
    beta = add("b0", times("b1", "median_income"))
    line = add("alpha", times("beta", "log_p"))
    return model(
        "Price elasticity in two components",
        [column("region"), row("region")],
        [
            data("log_q", observed=True),
            data("log_p"),
            data("median_income", ("region",)),
            *first,
            *second,
            Definition(name="alpha", domain=("region",), expr=alpha),
            Definition(name="beta", domain=("region",), expr=beta),
            parameter("nu", dist("gamma", alpha=20, beta=3)),
            parameter("sigma", dist("exponential", rate=2)),
            outcome("log_q", dist("studentt", nu="nu", mu=line, sigma="sigma")),
        ],
        [*one, *two],
    )


def nested() -> Model:
    """Submarkets in markets in countries, predictors at two of the levels."""
    parts = [("country", ()), ("market", ("gdp",)), ("submarket", ("density",))]
    nodes, described = coefficients(
        ["alpha", "beta"], parts, {"sd(alpha, market)": halfnormal(1)}, scale("log_q", "log_p")
    )
    sigma, more = coefficients(
        ["sigma"], [("country", ())], {}, Constant(1.0), link=Transform("log")
    )
    line = add("alpha", times("beta", "log_p"))
    return model(
        "Demand in submarkets",
        [
            column("country"),
            column("market", "country"),
            column("submarket", "market"),
            row("submarket"),
        ],
        [
            data("log_q", observed=True),
            data("log_p"),
            data("gdp", ("market",)),
            data("density", ("submarket",)),
            *nodes,
            *sigma,
            outcome("log_q", normal(line, "sigma")),
        ],
        [*described, *more],
    )


def nested_facts() -> Facts:
    return Facts(
        12000,
        {"country": 3, "market": 24, "submarket": 310, "row": 12000},
        {"country": ("Chile", "Kenya", "Norway")},
    )


def crossed() -> Model:
    """Students crossed with items; a grid over both that the model asks for."""
    ability, one = coefficients(["ability"], [("student", ("ses",))], {}, Constant(1.5), mean=False)
    difficulty, two = coefficients(["difficulty"], [("item", ())], {}, Constant(1.5))
    eta = apply("-", "ability", "difficulty")
    return model(
        "Who solves what",
        [column("student"), column("item"), row("student", "item")],
        [
            data("correct", type=DataType.BINARY, observed=True),
            data("ses", ("student",)),
            *ability,
            *difficulty,
            Definition(name="eta", domain=("student", "item"), expr=eta),
            outcome("correct", dist("bernoulli", logit_p="eta")),
        ],
        [*one, *two],
    )


def crossed_facts() -> Facts:
    return Facts(
        4000,
        {"student": 400, "item": 10, "row": 4000},
        {"item": tuple(f"Q{i}" for i in range(1, 11))},
    )


def effects() -> Model:
    """One coefficient with crossed parts and a bar, and an interaction level."""
    nodes, described = coefficients(
        ["b"], [("week", ()), ("store", ("size",))], {}, Constant(1.0), crossed=True
    )
    cell = parameter("gamma", normal(0, "tau"), ("category:week",))
    levels = [
        column("category"),
        column("week"),
        column("store"),
        Level("category:week", LevelKind.CROSS, parents=("category", "week")),
        row("category:week", "store"),
    ]
    return model(
        None,
        levels,
        [
            data("units", type=DataType.COUNT, observed=True),
            data("promo"),
            data("size", ("store",)),
            *nodes,
            parameter("tau", halfnormal(1)),
            cell,
            outcome("units", dist("poisson", log_mu=add(times("b", "promo"), "gamma"))),
        ],
        described,
    )


def outcomes() -> Model:
    """Two likelihoods, one of them over products: a published estimate with its error."""
    line = add("alpha", times("beta", "promo"))
    alpha, one = coefficients(["alpha"], [("product", ())], {}, Constant(2.0))
    mu = Apply("exp", (line,))
    prior = normal("m", "tau")
    return model(
        "Sales, and an experiment per product",
        [column("category"), column("product", "category"), row("product")],
        [
            data("sales", type=DataType.COUNT, observed=True),
            data("price", type=DataType.POSITIVE),
            data("promo", expr=apply("center", apply("log", "price"))),
            data("lift", ("product",), observed=True),
            data("se", ("product",), DataType.POSITIVE),
            *alpha,
            parameter("m", normal(0, 1), ("category",)),
            parameter("tau", halfnormal(0.5)),
            parameter("beta", prior, ("product",)),
            Definition(name="mu", domain=("row",), expr=mu, recorded=False),
            parameter("phi", dist("gamma", alpha=2, beta=0.1), rule="shape of negbinomial"),
            outcome("sales", dist("negbinomial", mu="mu", phi="phi")),
            outcome("lift", normal("beta", "se"), ("product",)),
            Definition(
                name="spread",
                domain=(),
                expr=apply("/", "sd(alpha)", "tau"),
            ),
        ],
        one,
    )


def flat() -> Model:
    """No level but the rows, three coefficients jointly over none: a plain regression."""
    line = add("a", times("b", "x"))
    return model(
        None,
        [row()],
        [
            data("y", observed=True),
            data("x"),
            parameter("a", normal(0, 5)),
            parameter("b", normal(0, 5)),
            parameter("sigma", dist("exponential", rate=1)),
            outcome("y", normal(line, "sigma")),
        ],
    )


def hostile() -> Model:
    """Names and a title that must not break out of any format."""
    name = 'x "<script>alert(1)</script>" & \\N\n😀 end'
    return model(
        'Title "<b>" & <script>\nline 😀',
        [column('a "b" <c>'), row('a "b" <c>')],
        [
            data("y", observed=True),
            data(name),
            parameter("b", normal(0, 5), ('a "b" <c>',)),
            parameter("end", dist("exponential", rate=1)),
            outcome("y", normal(times("b", name), "end")),
        ],
    )


def hostile_facts() -> Facts:
    level = 'a "b" <c>'
    labels = ("</text><script>", 'quo"te', "new\nline", "😀", "{|}", "#1;")
    return Facts(6, {level: 6, "row": 6}, {level: labels})


_BLOCKS = """\
model "Sales at many stores"
data sales : count
data promo, holiday, price : real
data weekday : factor
data income, size : real per region
data X = [1, promo, holiday, log_price = log(price), onehot(weekday)]
data W = [a, b, c, d, e, f, g, h, i]
data a, b, c, d, e, f, g, h, i : real
data Z = [income, size] per region
level store in region
sales ~ negbinomial(mu, phi)
log(mu) = X @ theta + standardize(W) @ eta
theta[X] ~ region / store | Z
log(phi) ~ store
effect = theta[promo] - theta["weekday:Sun"]
cor(theta, store) ~ lkj(2)
eta[W] ~ normal(0, 1)
"""


def blocks() -> Model:
    """Vectors along the columns of blocks: no frame of their own; a long block cut short."""
    return model_of(Source(_BLOCKS))


CASES = {
    "blocks": (blocks, None),
    "radon": (radon, radon_facts),
    "region": (region, region_facts),
    "components": (components, region_facts),
    "nested": (nested, nested_facts),
    "crossed": (crossed, crossed_facts),
    "effects": (effects, None),
    "outcomes": (outcomes, None),
    "flat": (flat, None),
    "hostile": (hostile, hostile_facts),
}
