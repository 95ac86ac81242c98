"""H9xx: what the data reveal, and what goes wrong with files."""

from hdsl.diagnostics.diagnostic import Severity
from hdsl.diagnostics.entry import Entry

_MODEL = """\
level shop
data sales, price : real
sales ~ normal(alpha + beta * price, sigma)
alpha ~ shop
beta ~ 1
"""

_ROWS = """\
shop,sales,price
a,10,2.5
a,12,2.0
b,7,3.5
b,9,3.0
c,11,2.2
c,13,1.8
d,6,3.9
d,8,3.1
e,9,2.9
e,14,1.7
"""

_REGIONS = """\
level region
data sales : real
data income : real per region
sales ~ normal(alpha, sigma)
alpha ~ region | income
"""

_REGION_ROWS = """\
region,sales
n,10
n,12
s,7
s,9
e,11
e,13
w,6
w,8
m,9
m,14
"""

_INCOMES = """\
region,income
n,31
s,24
e,40
w,28
m,35
"""

_HEIGHTS = """\
data height : real
data sex : factor
height ~ normal(alpha + beta * (sex == "f"), sigma)
alpha ~ 1
beta ~ normal(0, 10)
"""


def _file(code: str, title: str, explanation: str, proof: str) -> Entry:
    """An error in a file itself, which a snippet of a model cannot show: a test does."""
    return Entry(code, Severity.ERROR, title, explanation, "", "", proof=proof)


_FILES = (
    _file(
        "H901",
        "a file cannot be read",
        "The file is not there, is a folder, or may not be read by you. The message has the path "
        "as it was given; a relative one starts at the folder where the command runs.",
        "tests/data/test_files.py::test_a_file_that_is_not_there",
    ),
    _file(
        "H902",
        "no kind of table that HDSL reads",
        "Tables are CSV (`.csv`), tab-separated text (`.tsv`), Parquet (`.parquet`), Feather or "
        "Arrow (`.feather`, `.arrow`); in Python a pandas, polars or pyarrow frame, or a mapping "
        "of column names to sequences. The kind goes by the extension.",
        "tests/data/test_files.py::test_an_extension_that_tells_nothing",
    ),
    _file(
        "H903",
        "a broken table",
        "The file cannot be read to its end: a line has more or fewer fields than the header, "
        "quotes are not closed, the text is not UTF-8, or a Parquet or Feather file is damaged. "
        "A short line would otherwise turn into missing values in silence.",
        "tests/data/test_files.py::test_a_line_that_is_too_long",
    ),
    _file(
        "H904",
        "two columns of one name",
        "A column is found by its name, so a name may stand in the header once only.",
        "tests/data/test_files.py::test_a_header_that_repeats_a_name",
    ),
    _file(
        "H905",
        "an empty file",
        "The file has no header, so it has no columns.",
        "tests/data/test_files.py::test_an_empty_file",
    ),
)

_COLUMNS = (
    Entry(
        "H906",
        Severity.ERROR,
        "data without rows",
        "The table has a header and nothing below it. A model cannot be fitted to nothing.",
        _MODEL,
        _MODEL,
        rows="shop,sales,price\n",
        good_rows=_ROWS,
    ),
    Entry(
        "H910",
        Severity.ERROR,
        "a column that is not there",
        "Every level and all data are columns of the rows or of a level's own table. Where the "
        "column has another name, `from` says so: `data log_p from log_price : real`.",
        _MODEL.replace("price : real", "prise : real").replace("* price", "* prise"),
        _MODEL,
        rows=_ROWS,
    ),
    Entry(
        "H911",
        Severity.ERROR,
        "a table that cannot be joined",
        "A level's own table has a column with the level's labels, by which its lines are joined "
        "to the rows; where labels repeat across parents it has the parents' labels too. The "
        "level that a table is given for must be one of the model.",
        _REGIONS,
        _REGIONS,
        rows=_REGION_ROWS,
        tables={"region": _INCOMES.replace("region,", "name,")},
        good_tables={"region": _INCOMES},
    ),
    Entry(
        "H912",
        Severity.ERROR,
        "text where numbers are needed",
        "A cell of the column is neither a number nor one of the signs for a missing one (an empty "
        "cell, NA, NaN, N/A, null, None). Labels are declared `factor` and compared: "
        '`colour == "red"`.',
        _MODEL,
        _MODEL,
        rows=_ROWS.replace("2.5", "cheap"),
        good_rows=_ROWS,
    ),
    Entry(
        "H913",
        Severity.ERROR,
        "data that break the promise of their type",
        "A type is a promise: `positive` is above 0, `proportion` between 0 and 1, `count` 0, 1, "
        "2, …, `binary` 0 and 1 or true and false, `real` finite, and a factor with members has "
        "no others. The model relies on it.",
        _MODEL.replace("sales, price : real", "sales : real\ndata price : count"),
        _MODEL.replace("sales, price : real", "sales : real\ndata price : positive"),
        rows=_ROWS,
    ),
    Entry(
        "H914",
        Severity.ERROR,
        "a predictor that is missing",
        "A missing outcome is predicted, but a predictor must be known in every row that is used. "
        "`drop` leaves the rows out where it is missing and says how many they are.",
        _MODEL,
        _MODEL,
        rows=_ROWS.replace("2.5", "NA"),
        good_rows=_ROWS,
    ),
    Entry(
        "H915",
        Severity.ERROR,
        "a row without a group",
        "The label of a level is missing: an empty cell, NA, NaN or null. Such a row belongs to "
        "no group, so nothing could be said of it. If NA is a label (Namibia), spell it otherwise.",
        _MODEL,
        _MODEL,
        rows=_ROWS.replace("a,10", ",10"),
        good_rows=_ROWS,
    ),
    Entry(
        "H916",
        Severity.NOTE,
        "rows left out",
        "A `data` statement says `drop`: the rows where it is missing are left out of everything, "
        "and this note counts them. So are the rows where `lag(x, week)` finds no earlier value.",
        _MODEL.replace("sales, price : real", "sales : real\ndata price : real drop"),
        _MODEL.replace("sales, price : real", "sales : real\ndata price : real drop"),
        rows=_ROWS.replace("2.5", "NA"),
        good_rows=_ROWS,
    ),
)

_GROUPS = (
    Entry(
        "H920",
        Severity.ERROR,
        "one value per group, and there are several",
        "Data declared `per region`, or standing behind the bar of `~ region | income`, are one "
        "value for each region. Here they vary inside a group: a slip in the data, or a predictor "
        "that belongs to the rows.",
        _REGIONS,
        _REGIONS,
        rows="region,sales,income\nn,10,31\nn,12,32\ns,7,24\ns,9,24\ne,11,40\ne,13,40\nw,6,28\n"
        "w,8,28\nm,9,35\nm,14,35\n",
        good_rows="region,sales,income\nn,10,31\nn,12,31\ns,7,24\ns,9,24\ne,11,40\ne,13,40\nw,6,28\n"
        "w,8,28\nm,9,35\nm,14,35\n",
    ),
    Entry(
        "H921",
        Severity.ERROR,
        "several rows for one group in a level's table",
        "The table of a level has one row per group. Where a key stands twice nobody can say "
        "which row holds.",
        _REGIONS,
        _REGIONS,
        rows=_REGION_ROWS,
        tables={"region": _INCOMES + "n,32\n"},
        good_tables={"region": _INCOMES},
    ),
    Entry(
        "H922",
        Severity.ERROR,
        "a group that the level's table does not have",
        "The rows have groups that the table of their level has no row for. Labels are compared "
        "to the letter: a space, a leading zero or a capital makes another label.",
        _REGIONS,
        _REGIONS,
        rows=_REGION_ROWS,
        tables={"region": _INCOMES.replace("w,28\n", "")},
        good_tables={"region": _INCOMES},
    ),
    Entry(
        "H923",
        Severity.ERROR,
        "rows and table disagree",
        "The rows and the level's own table both hold the column, with different values for the "
        "same group.",
        _REGIONS,
        _REGIONS,
        rows="region,sales,income\nn,10,31\nn,12,31\ns,7,24\ns,9,24\ne,11,40\ne,13,40\nw,6,28\n"
        "w,8,28\nm,9,35\nm,14,35\n",
        tables={"region": _INCOMES.replace("24", "25")},
        good_tables={"region": _INCOMES},
    ),
    Entry(
        "H924",
        Severity.ERROR,
        "one group under two parents",
        "A nested level lies in one group of its parent. Where labels are reused, so that class 1 "
        "of one school is not class 1 of another, `level class in school` says so.",
        "level school\nlevel class\ndata score : real\nscore ~ normal(alpha, sigma)\n"
        "alpha ~ school / class\n",
        "level school\nlevel class in school\ndata score : real\nscore ~ normal(alpha, sigma)\n"
        "alpha ~ school / class\n",
        rows="school,class,score\n"
        + "".join(
            f"{school},{label},{10 + 3 * i + 2 * j + k}\n"
            for i, school in enumerate("abcde")
            for j, label in enumerate("12")
            for k in range(2)
        ),
    ),
    Entry(
        "H925",
        Severity.ERROR,
        "measurements used as a level",
        "A formula uses a column as a level, and the column holds numbers with decimals: each "
        "distinct value would be a group. A regression on it stands after a bar.",
        "data sales : real\nsales ~ normal(alpha, sigma)\nalpha ~ income\n",
        _REGIONS,
        rows="region,sales,income\nn,10,31.5\nn,12,31.5\ns,7,24.2\ns,9,24.2\ne,11,40.1\ne,13,40.1\n"
        "w,6,28\nw,8,28\nm,9,35\nm,14,35\n",
    ),
)

_MEANING = (
    Entry(
        "H930",
        Severity.ERROR,
        "an outcome that its distribution cannot give",
        "The data hold values outside of the support of the outcome's distribution: a negative "
        "count, a fraction for `poisson`, more successes than trials. Its density there is 0, so "
        "that no parameters fit.",
        _MODEL.replace("normal(alpha", "poisson(exp(alpha").replace(", sigma)", "))"),
        _MODEL,
        rows=_ROWS.replace("a,10", "a,10.5"),
    ),
    Entry(
        "H931",
        Severity.ERROR,
        "an outcome that is missing everywhere",
        "A missing outcome is predicted from those that are known; here none is.",
        "data lift, se : real\nlift ~ normal(mu, se)\nmu ~ normal(0, 10)\n",
        "data lift, se : real\nlift ~ normal(mu, se)\nmu ~ normal(0, 10)\n",
        rows="lift,se\n,15\nNA,10\n,16\n",
        good_rows="lift,se\n28,15\n8,10\n,16\n7,11\n",
    ),
    Entry(
        "H932",
        Severity.ERROR,
        "a column or a parameter?",
        "A name that no statement declares stands as a scale or a shape in an outcome's "
        "distribution, which makes it a parameter; but the data have a column of that very name. "
        "Known measurement errors and an unknown residual scale are different models.",
        "data lift : real\nlift ~ normal(mu, se)\nmu ~ normal(0, 10)\n",
        "data lift : real\ndata se : positive\nlift ~ normal(mu, se)\nmu ~ normal(0, 10)\n",
        rows="lift,se\n28,15\n8,10\n-3,16\n7,11\n-1,9\n1,11\n",
    ),
    Entry(
        "H933",
        Severity.ERROR,
        "an argument that its distribution cannot take",
        "An argument of a distribution is made of data, and some of its values are outside of "
        "what the distribution allows: a standard error of 0, a negative number of trials.",
        "data lift, se : real\nlift ~ normal(mu, se)\nmu ~ normal(0, 10)\n",
        "data lift, se : real\nlift ~ normal(mu, se)\nmu ~ normal(0, 10)\n",
        rows="lift,se\n28,15\n8,10\n-3,0\n7,11\n-1,9\n1,11\n",
        good_rows="lift,se\n28,15\n8,10\n-3,16\n7,11\n-1,9\n1,11\n",
    ),
    Entry(
        "H934",
        Severity.ERROR,
        "a label that no row has",
        "The model compares a factor with a label, or picks a group by a label, that does not "
        "occur in the data. A comparison would be 0 in every row.",
        _HEIGHTS.replace('"f"', '"w"'),
        _HEIGHTS,
        rows="sex,height\nf,165\nm,180\nf,171\nm,176\nf,160\nm,185\n",
    ),
    Entry(
        "H935",
        Severity.ERROR,
        "data that never vary",
        "Something is divided by the sd of a column, by `standardize`, by `sd(x)` or in a default "
        "prior, and the column holds one value only, so that its sd is 0. A smooth function of "
        "such a column, `gp` or `hsgp`, would be one number.",
        _MODEL,
        _MODEL,
        rows="shop,sales,price\na,5,2\na,6,2\nb,9,2\nc,7,2\nd,8,2\ne,4,2\n",
        good_rows=_ROWS,
    ),
    Entry(
        "H936",
        Severity.ERROR,
        "data that cannot be computed",
        "Derived data come to no finite number in some rows: the log of 0, a division by 0, the "
        "square root of a negative number. What is missing is another matter, and is reported as "
        "missing.",
        "data sales, price : real\ndata log_price = log(price)\n"
        "sales ~ normal(alpha + beta * log_price, sigma)\nalpha, beta ~ normal(0, 10)\n",
        "data sales, price : real\ndata log_price = log(price)\n"
        "sales ~ normal(alpha + beta * log_price, sigma)\nalpha, beta ~ normal(0, 10)\n",
        rows=_ROWS.replace("2.5", "0"),
        good_rows=_ROWS,
    ),
)

ENTRIES: tuple[Entry, ...] = (*_FILES, *_COLUMNS, *_GROUPS, *_MEANING)
