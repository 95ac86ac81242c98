"""What binding finds in data, case by case, and what it hands on."""

import numpy as np
import pytest

from hdsl.data.bind import Binding
from hdsl.diagnostics.diagnostic import Diagnostic
from tests.data.binding import bound, codes

PLAIN = "data y, x : real\ny ~ normal(alpha + beta * x, sigma)\nalpha, beta ~ 1\n"
REGIONS = "level region\ndata y : real\ndata income : real per region\n"
REGIONS += "y ~ normal(alpha, sigma)\nalpha ~ region | income\n"
ROWS = "region,y\nn,1\nn,2\ns,3\ne,4\ne,7\n"


def only(binding: Binding) -> Diagnostic:
    [found] = binding.diagnostics
    return found


# ---------------------------------------------------------------- what is handed on


def test_columns_are_labels_as_text_and_numbers_as_floats() -> None:
    found = bound(REGIONS, "region,y,income\n07,1,5\n07,,5\n8,3,6\n9,4,9\n")

    assert found.rows["region"].tolist() == ["07", "07", "8", "9"]
    assert found.rows["region"].dtype == object
    np.testing.assert_array_equal(found.rows["y"], [1, np.nan, 3, 4])
    assert set(found.rows) == {"region", "y", "income"}
    assert found.facts.missing == {"y"}
    assert found.facts.rows == 4
    assert found.sound


def test_a_column_that_is_labels_and_numbers_goes_as_text() -> None:
    text = "level dose_group from dose\ndata y, dose : real\n"
    text += "y ~ normal(alpha + beta * dose, sigma)\nalpha ~ dose_group\nbeta ~ 1\n"
    found = bound(text, "dose,y\n0.10,1\n0.20,2\n0.10,3\n")

    assert found.rows["dose"].tolist() == ["0.10", "0.20", "0.10"]
    assert found.facts.labels["dose_group"] == ("0.10", "0.20")
    assert found.dataset.columns["dose"].values.tolist() == [0.1, 0.2, 0.1]
    assert codes(found) == []


def test_a_table_is_joined_by_its_labels() -> None:
    found = bound(REGIONS, ROWS, {"region": "income,region\n5,e\n6,n\n7,s\n8,w\n"})

    assert codes(found) == []
    assert found.facts.labels["region"] == ("e", "n", "s")
    assert found.dataset.columns["income"].values.tolist() == [5, 6, 7]
    assert found.tables["region"]["income"].tolist() == [5, 6, 7, 8]
    assert found.tables["region"]["region"].tolist() == ["e", "n", "s", "w"]


def test_a_nested_table_is_joined_by_parent_and_child() -> None:
    text = "level class in school\ndata y : real\ndata size : real per class\n"
    text += "y ~ normal(alpha, sigma)\nalpha ~ school / (class | size)\n"
    text = text.replace("(class | size)", "class | size")
    rows = "school,class,y\na,1,1\na,2,2\nb,1,4\nb,2,3\nb,2,9\n"
    found = bound(text, rows, {"class": "school,class,size\nb,1,30\na,1,10\na,2,20\nb,2,40\n"})

    assert codes(found) == []
    assert found.facts.labels["class"] == ("a:1", "a:2", "b:1", "b:2")
    assert found.dataset.columns["size"].values.tolist() == [10, 20, 30, 40]

    ambiguous = bound(text, rows, {"class": "class,size\n1,10\n2,20\n"})
    assert only(ambiguous).headline == (
        "the table of `class` does not say which `school` a line is of"
    )


def test_rows_are_dropped_where_a_column_says_so() -> None:
    text = "level region\ndata y : real\ndata x : real drop\n"
    text += "y ~ normal(alpha + beta * x, sigma)\nalpha ~ region\nbeta ~ 1\n"
    found = bound(text, "region,y,x\na,1,1\nb,2,\na,3,4\nc,4,NA\nd,9,2\n")

    assert codes(found) == ["H916"]
    assert only(found).headline == "2 rows without `x` are left out"
    assert only(found).notes == ("rows 2, 4 of 5",)
    assert found.facts.rows == 3
    assert found.facts.labels["region"] == ("a", "d")
    assert found.dataset.kept.tolist() == [0, 2, 4]
    assert len(found.rows["y"]) == 5
    assert found.sound


def test_a_dropped_row_keeps_the_numbers_of_the_others() -> None:
    text = "data y : real\ndata x : real drop\ndata z : positive\n"
    text += "y ~ normal(alpha + beta * x + gamma * z, sigma)\nalpha, beta, gamma ~ 1\n"
    found = bound(text, "y,x,z\n1,,5\n2,1,6\n3,4,-7\n5,7,2\n")

    assert codes(found) == ["H916", "H913"]
    assert found.diagnostics[1].notes == ("row 3: -7",)


# ---------------------------------------------------------------- columns


def test_everything_that_is_missing_is_said_at_once() -> None:
    found = bound(REGIONS, "regoin,yy\nn,1\ns,2\n")

    assert codes(found) == ["H910", "H910", "H910"]
    assert [d.headline for d in found.diagnostics] == [
        "the data have no column `region`",
        "the data have no column `y`",
        "the data have no column `income`",
    ]
    assert found.diagnostics[0].help == "did you mean `regoin`? write `level region from regoin`"


def test_a_column_that_only_a_level_has() -> None:
    text = REGIONS.replace(" per region", "").replace("alpha ~ region | income", "alpha ~ region")
    text = text.replace("normal(alpha,", "normal(alpha + beta * income,") + "beta ~ 1\n"
    found = bound(text, ROWS, {"region": "region,income\nn,1\ns,2\ne,4\n"})

    assert only(found).help == ("say that it belongs to the level: `data income : real per region`")


def test_a_name_with_blanks_is_suggested_in_quotes() -> None:
    found = bound(PLAIN, "Y ,x x,x\n1,2,3\n4,5,7\n")
    assert only(found).help == "did you mean `Y`? write `data y from Y : real`"
    found = bound(
        PLAIN.replace("x : real", "xx : real").replace("* x", "* xx"), "y,x x\n1,2\n3,5\n"
    )
    assert only(found).help == 'did you mean `x x`? write `data xx from "x x" : real`'


@pytest.mark.parametrize(
    ("cells", "help"),
    [
        (["1,5", "2,75"], "write numbers with a decimal point, not a comma"),
        (["1,500", "12,000"], "take the separators of thousands out of the file"),
        (["1,500.5", "1,512,000"], "take the separators of thousands out of the file"),
        (["5%", "$3"], "take the signs and units out of the cells: a cell holds a number alone"),
        (
            ["red", "blue"],
            "if they are labels declare `data x : factor` and compare them: "
            '`x == "red"`; what is missing is an empty cell or NA',
        ),
    ],
)
def test_text_among_numbers_is_told_by_its_looks(cells: list[str], help: str) -> None:
    found = only(bound(PLAIN, "y;x\n" + "".join(f"{i};{c}\n" for i, c in enumerate(cells))))

    assert (found.code, found.help) == ("H912", help)
    assert found.notes == ("\n".join(f'row {i + 1}: "{c}"' for i, c in enumerate(cells)),)


@pytest.mark.parametrize(
    ("type", "good", "bad", "shown"),
    [
        ("real", ["-1", "1e9"], ["inf", "-inf"], ["inf", "-inf"]),
        ("positive", ["0.1", "7"], ["0", "-2"], ["0", "-2"]),
        ("proportion", ["0", "0.4", "1"], ["1.2", "-0.1"], ["1.2", "-0.1"]),
        ("count", ["0", "3", "4.0"], ["-1", "2.5"], ["-1", "2.5"]),
        ("binary", ["0", "1"], ["2", "-1"], ["2", "-1"]),
        ("ordered {low, high}", ["low", "high"], ["mid"], ['"mid"']),
    ],
)
def test_a_type_is_a_promise(type: str, good: list[str], bad: list[str], shown: list[str]) -> None:
    used = 'x == "low"' if type.startswith("ordered") else "x"
    text = f"data y : real\ndata x : {type}\ny ~ normal(alpha + beta * ({used}), sigma)\n"
    text += "alpha, beta ~ normal(0, 1)\n"
    header = "y,x\n" + "".join(f"{i},{c}\n" for i, c in enumerate(good))

    assert codes(bound(text, header)) == []
    found = only(bound(text, header + "".join(f"9,{c}\n" for c in bad)))
    assert found.code == "H913"
    lines = [f"row {len(good) + i + 1}: {value}" for i, value in enumerate(shown)]
    assert found.notes == ("\n".join(lines),)


def test_true_and_false_are_binary() -> None:
    text = "data y : real\ndata open : binary\ny ~ normal(alpha + beta * open, sigma)\n"
    found = bound(text + "alpha, beta ~ 1\n", "y,open\n1,TRUE\n2,false\n3,True\n")

    assert codes(found) == []
    assert found.rows["open"].tolist() == [1, 0, 1]


def test_a_missing_outcome_is_no_error_and_a_missing_predictor_is() -> None:
    assert codes(bound(PLAIN, "y,x\n,1\n2,2\n4,3\n")) == []
    found = only(bound(PLAIN, "y,x\n1,\n2,2\n4,NA\n9,5\n"))

    assert found.headline == "`x` is missing in 2 rows of 4"
    assert found.notes == ("rows 1, 3",)
    assert found.help == "leave these rows out with `data x : real drop`"


def test_what_the_model_does_not_use_may_be_missing() -> None:
    text = "data y, x, spare : real\ny ~ normal(alpha + beta * x, sigma)\nalpha, beta ~ 1\n"
    assert codes(bound(text, "y,x,spare\n1,2,\n2,5,\n")) == []


def test_a_closed_day_is_a_missing_outcome() -> None:
    text = "data open : binary\ndata sales : real\ndata demand = where(open == 1, sales, missing)\n"
    text += "demand ~ normal(alpha, sigma)\nalpha ~ 1\n"
    found = bound(text, "open,sales\n1,5\n0,\n1,7\n")

    assert codes(found) == []
    assert found.facts.missing == {"demand"}


def test_a_predictor_made_of_a_missing_column_blames_the_column() -> None:
    text = "data y, price : real\ndata log_price = log(price)\n"
    text += "y ~ normal(alpha + beta * log_price, sigma)\nalpha, beta ~ 1\n"
    found = only(bound(text, "y,price\n1,2\n2,\n3,7\n"))

    assert (found.code, found.headline) == ("H914", "`price` is missing in 1 row of 3")


def test_a_predictor_that_a_condition_leaves_open() -> None:
    text = "data y, x : real\ndata z = where(x > 2, x, missing)\n"
    text += "y ~ normal(alpha + beta * z, sigma)\nalpha, beta ~ 1\n"
    found = only(bound(text, "y,x\n1,2\n2,3\n3,7\n"))

    assert (found.code, found.headline) == ("H914", "`z` is missing in 1 row of 3")
    assert found.help == "only an outcome may be missing; give these rows a value with `where`"


# ---------------------------------------------------------------- groups


def test_a_row_without_a_label() -> None:
    found = only(bound(REGIONS, "region,y,income\nn,1,5\n,2,5\nNA,3,6\ns,4,7\n"))

    assert found.headline == "2 rows have no `region`"
    assert found.notes[0] == "rows 2, 3"


def test_a_group_level_column_that_varies_shows_where() -> None:
    found = only(bound(REGIONS, "region,y,income\nn,1,5\nn,2,5.5\ns,3,6\ns,4,\nw,5,1\n"))

    assert found.headline == "`income` varies within 2 groups of `region`"
    assert found.notes == (
        'region "n": 5 (row 1), 5.5 (row 2)\nregion "s": 6 (row 3), missing (row 4)',
    )


def test_rows_and_table_must_agree() -> None:
    rows = "region,y,income\nn,1,5\nn,2,5\ns,3,6\ne,4,7\n"
    assert codes(bound(REGIONS, rows, {"region": "region,income\nn,5\ns,6\ne,7\n"})) == []
    found = only(bound(REGIONS, rows, {"region": "region,income\nn,5\ns,6.5\ne,7\n"}))

    assert found.notes == ('region "s": 6 in the rows, 6.5 in the table',)


def test_a_table_fills_what_the_rows_leave_open() -> None:
    rows = "region,y,income\nn,1,\nn,2,\ns,3,6\ne,4,7\n"
    found = bound(REGIONS, rows, {"region": "region,income\nn,5\ns,6\ne,7\n"})

    assert codes(found) == []
    assert found.dataset.columns["income"].values.tolist() == [7, 5, 6]


def test_a_table_with_a_group_twice_and_one_too_few() -> None:
    found = bound(REGIONS, ROWS, {"region": "region,income\nn,5\nn,5\ns,6\n"})

    assert codes(found) == ["H921", "H922"]
    assert found.diagnostics[0].notes == ("n: rows 1, 2",)
    assert found.diagnostics[1].notes == ('region "e"; 3 rows in the data',)


def test_a_table_of_no_level() -> None:
    found = bound(REGIONS, ROWS.replace(",y", ",y,income").replace("\n", ",1\n").replace(
        "income,1", "income"), {"regions": "a\n1\n"})  # fmt: skip

    assert found.diagnostics[0].headline == (
        "a table is given for `regions`, which is no level of the model"
    )
    assert found.diagnostics[0].help == "did you mean `region`?"


@pytest.mark.parametrize(
    ("declared", "expected"),
    [("level class\n", ["H924"]), ("level class in school\n", []), ("", [])],
)
def test_a_child_under_two_parents_wants_consent(declared: str, expected: list[str]) -> None:
    text = declared + "data y : real\ny ~ normal(alpha, sigma)\nalpha ~ school / class\n"
    found = bound(text, "school,class,y\na,1,1\na,2,2\nb,1,4\nb,3,3\n")

    assert codes(found) == expected
    for diagnostic in found.diagnostics:
        assert diagnostic.notes == ('class "1" is in school "a", "b"',)


def test_measurements_are_no_level_unless_declared() -> None:
    text = "data y : real\ny ~ normal(alpha, sigma)\nalpha ~ dose_group\n"
    rows = "dose_group,y\n0.5,1\n1.5,2\n0.5,3\n"

    assert codes(bound(text, rows)) == ["H925"]
    assert codes(bound("level dose_group\n" + text, rows)) == []
    assert codes(bound(text, rows.replace(".5", ""))) == []


# ---------------------------------------------------------------- outcomes


def outcome(distribution: str, values: str, declared: str = "real", more: str = "") -> Binding:
    text = f"data y : {declared}\n{more}y ~ {distribution}\n"
    header, *cells = values.split()
    return bound(text, "\n".join([header, *cells]) + "\n")


@pytest.mark.parametrize(
    ("distribution", "values", "says"),
    [
        ("poisson(3)", "y 1 -2 4", "whole numbers from 0"),
        ("poisson(3)", "y 1 2.5 4", "whole numbers from 0"),
        ("bernoulli(0.5)", "y 1 0 2", "0 or 1"),
        ("lognormal(0, 1)", "y 1 0 2", "above 0"),
        ("beta(2, 2)", "y 0.5 1 0.2", "between 0 and 1, 0 and 1 themselves left out"),
    ],
)
def test_an_outcome_outside_of_its_support(distribution: str, values: str, says: str) -> None:
    found = only(outcome(distribution, values))

    assert found.code == "H930"
    assert found.label is not None
    assert found.label.text == f"its values are {says}"
    assert found.notes[0].startswith("row ")


def test_an_outcome_within_its_support() -> None:
    assert codes(outcome("poisson(3)", "y 1 0 4")) == []
    assert codes(outcome("beta(2, 2)", "y 0.5 0.1 0.2")) == []


def test_more_successes_than_trials() -> None:
    found = only(outcome("binomial(n, 0.5)", "y,n 3,5 6,5 2,9", "count", "data n : count\n"))

    assert found.notes == ("row 2: 6 of 5",)
    assert found.help == (
        "the number of successes and the number of trials: are the columns swapped?"
    )


def test_a_transformed_outcome_is_judged_as_transformed() -> None:
    text = "data y : real\nlog(y) ~ normal(0, 1)\n"
    assert codes(bound(text, "y\n1\n2\n")) == []
    found = only(bound(text, "y\n1\n0\n-3\n"))

    assert found.headline == "`log(y)` has values that `normal` cannot give, in 2 rows"
    assert found.notes == ("row 2: -inf\nrow 3: missing",)


def test_an_argument_made_of_data_is_judged_too() -> None:
    found = only(outcome("normal(0, 2 * se)", "y,se 3,5 6,-5 2,9", "real", "data se : real\n"))

    assert found.headline == "`2 * se` cannot be the `sigma` of `normal` in 1 row"
    assert found.notes == ("row 2: -10",)


# ---------------------------------------------------------------- derived data


def test_derived_data_are_computed_at_their_own_level() -> None:
    text = "level region\ndata y : real\ndata income : real per region\n"
    text += "data z = standardize(income) per region\ndata c = center(income) / 2\n"
    text += "y ~ normal(alpha, sigma)\nalpha ~ region | z, c\n"
    found = bound(text, "region,y,income\nn,1,1\nn,2,1\nn,3,1\ns,3,3\ne,4,5\ne,7,5\n")

    assert codes(found) == []
    np.testing.assert_allclose(found.dataset.columns["z"].values, [1, -1, 0])
    np.testing.assert_allclose(found.dataset.columns["c"].values, [1, -1, 0])


def test_a_comparison_with_a_label() -> None:
    text = 'data y : real\ndata sex : factor\ndata female = (sex == "f")\n'
    text += "y ~ normal(alpha + beta * female, sigma)\nalpha, beta ~ 1\n"
    found = bound(text, "y,sex\n1,f\n2,m\n3,f\n")

    assert codes(found) == []
    assert found.dataset.columns["female"].values.tolist() == [1, 0, 1]
    strange = only(bound(text.replace('"f"', '"F"'), "y,sex\n1,f\n2,m\n3,f\n"))
    assert (strange.code, strange.help) == ("H934", 'did you mean "f"?')
    assert strange.notes == ('its labels are "f", "m"',)


def test_a_guarded_logarithm_is_fine() -> None:
    text = "data y, x : real\ndata z = where(x > 0, log(x), 0)\n"
    text += "y ~ normal(alpha + beta * z, sigma)\nalpha, beta ~ 1\n"

    assert codes(bound(text, "y,x\n1,0\n2,1\n3,2\n")) == []


def test_what_cannot_be_computed_blames_the_innermost_call() -> None:
    text = "data y, x, w : real\ndata z = 1 + 2 * log(x - w)\n"
    text += "y ~ normal(alpha + beta * z, sigma)\nalpha, beta ~ normal(0, 1)\n"
    found = only(bound(text, "y,x,w\n1,5,1\n2,1,3\n3,2,2\n"))

    assert found.headline == "`log(x - w)` cannot be computed in 2 rows"
    assert found.notes == ("row 2: x = 1, w = 3\nrow 3: x = 2, w = 2",)


def test_what_never_varies_cannot_be_scaled() -> None:
    found = only(bound(PLAIN, "y,x\n1,2\n2,2\n3,2\n"))
    assert (found.code, found.headline) == (
        "H935",
        "`x` never varies, so that nothing can be scaled by its sd",
    )
    assert only(bound(PLAIN, "y,x\n1,2\n1,3\n1,4\n")).help == (
        "an outcome that never varies teaches nothing; is this the right column?"
    )


# ---------------------------------------------------------------- whole data sets


def test_no_rows() -> None:
    assert codes(bound(REGIONS, "region,y,income\n")) == ["H906"]


def test_a_file_without_declarations() -> None:
    text = "y ~ normal(alpha + beta * x, sigma); alpha ~ region; beta ~ region | income"
    found = bound(text, "region,y,x,income\nn,1,1,5\nn,2,2,5\ns,3,1,6\ne,4,4,7\ne,7,6,7\n")

    assert codes(found) == []
    assert found.dataset.columns["income"].domain == ("region",)


def test_an_inferred_column_of_text() -> None:
    found = only(bound("y ~ normal(alpha + beta * x, sigma); alpha, beta ~ 1", "y,x\n1,a\n2,b\n"))

    assert found.label is not None
    assert (found.code, found.label.text) == ("H912", "`x` is taken for numbers")


def test_members_of_a_level_stand_in_a_predictor() -> None:
    text = (
        "data y, x : real\nlevel eff = {intercept, slope}\n"
        'y ~ normal(th["intercept"] + th["slope"] * x, sigma)\nth[eff] ~ market\n'
        "mean(th) ~ normal(0, 1)\nsd(th) ~ halfnormal(1)\n"
    )
    assert codes(bound(text, "market,x,y\na,0,1\na,1,2\nb,0,2\nb,1,4\n")) == []
