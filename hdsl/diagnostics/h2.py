"""H2xx: names, levels and domains."""

from hdsl.diagnostics.diagnostic import Severity
from hdsl.diagnostics.entry import Entry

E, W, N = Severity.ERROR, Severity.WARNING, Severity.NOTE

GOOD = "data y, x : real\ny ~ normal(alpha + beta * x, sigma)\nalpha, beta ~ region\n"

ENTRIES: tuple[Entry, ...] = (
    Entry(
        "H201",
        E,
        "unknown name",
        "A file that declares data declares all of them: any other name must be defined by a "
        "statement. "
        "A name very near to a known one is taken for a slip, never for a new parameter.",
        "data y, x : real\ny ~ normal(alpha + beta * z, sigma)\nalpha, beta ~ 1\n",
        GOOD,
    ),
    Entry(
        "H202",
        E,
        "a name is defined twice",
        "A name has one meaning and one statement that gives it: one `~` or one `=`. To describe "
        "a coefficient's mean or sd use `mean(b) ~ …` and `sd(b) ~ …`.",
        "data y : real\ny ~ normal(mu, sigma)\nmu ~ normal(0, 1)\nmu ~ region\n",
        GOOD,
    ),
    Entry(
        "H203",
        E,
        "unknown level",
        "A level that is only mentioned in a formula is taken for a column of that name, "
        "unless the "
        "name is one slip away from a declared level or column.",
        "level region\ndata y : real\ny ~ normal(alpha, sigma)\nalpha ~ regoin\n",
        GOOD,
    ),
    Entry(
        "H204",
        E,
        "unknown function or distribution",
        "A name before `(` is a function or a distribution of the language; §6 of the language "
        "reference and docs/families.md list them.",
        "data y : real\ny ~ gaussian(mu, sigma)\nmu ~ 1\n",
        GOOD,
    ),
    Entry(
        "H205",
        E,
        "wrong arguments",
        "A function or distribution takes its arguments by position or by name. Distributions on "
        "whose order PyMC and Stan differ take names only.",
        "data y : real\ny ~ normal(mu)\nmu ~ 1\n",
        GOOD,
    ),
    Entry(
        "H206",
        E,
        "a value varies over a level that is not allowed here",
        "Every value has a domain, the levels over which it varies. A coarser value may stand "
        "wherever a finer one may (it is looked up), never the other way round: a single "
        "value cannot "
        "be computed from one value per region.",
        "data y : real\ny ~ normal(mu, sigma)\nmu ~ normal(alpha, 1)\nalpha ~ region\n",
        "data y : real\ny ~ normal(mu, sigma)\nmu[store] ~ normal(alpha, 1)\n"
        "level store in region\nalpha ~ region\n",
    ),
    Entry(
        "H207",
        E,
        "a name is used as something that it is not",
        "Levels group, data and parameters are numbers, distributions stand right of `~`.",
        "data y : real\ny ~ normal(alpha + week, sigma)\nalpha ~ week\n",
        "data y, week_number : real\ny ~ normal(alpha + trend * week_number, sigma)\n"
        "alpha ~ week\ntrend ~ 1\n",
    ),
    Entry(
        "H208",
        E,
        "nothing uses this parameter",
        "A parameter that no distribution and no definition mentions learns nothing from the data. "
        "Most often a name in the outcome's equation is misspelt or was forgotten.",
        "data y : real\ny ~ normal(mu, sigma)\nmu ~ 1\ntau ~ normal(0, 1)\n",
        GOOD,
    ),
    Entry(
        "H209",
        E,
        "a circular definition",
        "A quantity is computed from what is known before it.",
        "data y : real\ny ~ normal(a, sigma)\na = b + 1\nb = a - 1\n",
        GOOD,
    ),
    Entry(
        "H210",
        E,
        "an accessor is asked of the wrong thing",
        "`mean sd cor slope dev` belong to coefficients that vary over a level, named as their "
        "statement names them (`sd(log(sigma))`). With several levels an expression names "
        "the one meant.",
        "data y : real\ny ~ normal(mu, sigma)\nmu ~ normal(0, 1)\nsd(mu) ~ halfnormal(1)\n",
        "data y : real\ny ~ normal(mu, sigma)\nmu ~ region\nsd(mu) ~ halfnormal(1)\n",
    ),
    Entry(
        "H211",
        E,
        "the model has no outcome",
        "An outcome is data left of `~` with a distribution on the right. Without one there is "
        "nothing to learn from.",
        "data y : real\nmu ~ normal(0, 1)\ntwice = 2 * mu\n",
        GOOD,
    ),
    Entry(
        "H212",
        E,
        "no such member",
        "A label that is written in the model must be one of the level's members.",
        'level arm = {control, drug}\ndata y, x : real\ny ~ normal(a["drag"] * x + '
        'a["control"], sigma)\n'
        "a[arm] ~ normal(0, 1)\n",
        'level arm = {control, drug}\ndata y, x : real\ny ~ normal(a["drug"] * x + '
        'a["control"], sigma)\n'
        "a[arm] ~ normal(0, 1)\n",
    ),
    Entry(
        "H214",
        E,
        "a coarser value can be looked up in two ways",
        "Two levels of one expression lie in the same coarser level, so that the expression "
        "does not "
        "say whose group is meant.",
        "level student in school\nlevel class in school\ndata y : real\n"
        "y ~ normal(sum_of, sigma)\nsum_of[student, class] = a + b + c\na ~ student\nb ~ "
        "class\nc ~ school\n",
        "level student in school\nlevel class in school\ndata y : real\n"
        "y ~ normal(a + b + c, sigma)\na ~ 0 + student\nb ~ 0 + class\nc ~ school\n",
    ),
    Entry(
        "H215",
        E,
        "unknown option after `with`",
        "`with centered`, `with noncentered`, or `with centered(store)` for one level: two ways to "
        "sample the same distribution.",
        "data y : real\ny ~ normal(mu, sigma)\nmu ~ region with centred\n",
        "data y : real\ny ~ normal(mu, sigma)\nmu ~ region with centered\n",
    ),
    Entry(
        "H216",
        N,
        "names taken for columns",
        "A file without any `data` statement: every name that no statement defines is a column. "
        "The note lists them, because a slip of the finger is one of them.",
        "y ~ normal(alpha + beta * x, sigma)\nalpha, beta ~ 1\n",
        GOOD,
    ),
)
