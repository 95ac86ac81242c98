"""H94x: columns that a model makes of the data: blocks, earlier values."""

from hdsl.diagnostics.diagnostic import Severity
from hdsl.diagnostics.entry import Entry

_BLOCK = """\
data sales, age : real
data X = [ITEM]
sales ~ normal(X @ theta, sigma)
theta[X] ~ normal(0, 1)
"""

ROWS = """\
sales,age,price1,price2,sum
10,1,2.5,1.0,3.5
12,2,2.0,1.5,3.5
7,3,3.5,0.5,4.0
9,1,3.0,2.5,5.5
11,2,2.2,2.0,4.2
13,3,1.8,1.0,2.8
"""

_LAG = """\
level week ordered
data sales, price : real
sales ~ normal(a + b * lag(price, week), sigma)
a, b ~ 1
"""

WEEKS = """\
store,week,sales,price,price_before
u,1,10,2.5,2.4
u,2,12,2.0,2.5
u,3,9,2.2,2.0
v,1,7,3.5,3.7
v,2,9,3.0,3.5
v,3,8,3.3,3.0
"""

ENTRIES: tuple[Entry, ...] = (
    Entry(
        "H940",
        Severity.ERROR,
        "columns that these data do not give",
        "`spline(x, df)` needs more distinct values than columns; `spread(x, brand, week)` needs "
        "one value of `x` for every brand in every week.",
        _BLOCK.replace("ITEM", "spline(age, 4)"),
        _BLOCK.replace("ITEM", "spline(age, 2)"),
        rows=ROWS,
    ),
    Entry(
        "H941",
        Severity.ERROR,
        "an outcome among its own predictors",
        'A pattern such as `columns("sales*")` matches the column of an outcome too: it would '
        "explain itself, perfectly and to no use.",
        _BLOCK.replace("ITEM", 'columns("s*")'),
        _BLOCK.replace("ITEM", 'columns("price*")'),
        rows=ROWS,
    ),
    Entry(
        "H942",
        Severity.WARNING,
        "columns of a block that add up to others",
        "A column of the block is a weighted sum of others, up to rounding: an intercept among "
        "the indicators of all labels, or in the same sum with them (the cut points of an ordered "
        "outcome are one); a total beside its parts. The data say nothing of the "
        "coefficients one by one, only of their sums; the priors decide the rest, and sampling is "
        "slow. Leave one of the columns out, or set its coefficient.",
        _BLOCK.replace("ITEM", 'columns("price*"), columns("sum")'),
        _BLOCK.replace("ITEM", 'columns("price*")'),
        rows=ROWS,
    ),
    Entry(
        "H943",
        Severity.ERROR,
        "a vector whose members are all set one by one",
        "A member of a vector may be set, or have a prior of its own. Where that is said of every "
        "group that the data have, nothing is left that the vector's distribution could be of.",
        "data sales : real\nsales ~ normal(a, sigma)\n"
        'a[age] ~ normal(0, 10)\na["1"] = 0\na["2"] = 1\na["3"] ~ normal(0, 1)\n',
        "data sales : real\nsales ~ normal(a, sigma)\n"
        'a[age] ~ normal(0, 10)\na["1"] = 0\na["3"] ~ normal(0, 1)\n',
        rows=ROWS,
    ),
    Entry(
        "H944",
        Severity.ERROR,
        "an earlier value that cannot be told",
        "`lag(x, week)` is the value of `x` one week earlier, in the row with the same labels of "
        "all other levels. Where two rows stand at one place with several values, the model must "
        "name the levels that tell them apart; where a level changes along the way (a month, a "
        "promotion), it must say whether the series goes on: `lag(x, week, store)`. Rows without "
        "an earlier value are left out, which a note counts; all of them cannot be.",
        _LAG,
        _LAG.replace("lag(price, week)", "price_before").replace("price :", "price_before :"),
        rows=WEEKS,
    ),
)
