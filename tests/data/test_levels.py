"""Groups, their labels and their order."""

import pytest

from tests.data.binding import bound, codes

NESTED = "data y : real\ny ~ normal(alpha, sigma)\nalpha ~ school / class\n"


def rows(header: str, *lines: str) -> str:
    return "\n".join([header, *lines]) + "\n"


def test_labels_are_sorted_as_people_sort_them() -> None:
    text = "data y : real\ny ~ normal(alpha, sigma)\nalpha ~ region\n"
    found = bound(
        text, rows("region,y", "w10,1", "w9,2", "W2,3", "w10,4", "-2,5", "-10,6", "007,7")
    )

    assert found.facts.labels["region"] == ("-10", "-2", "007", "W2", "w9", "w10")
    assert found.facts.sizes == {"region": 6, "row": 7}
    assert found.dataset.groups["region"].codes.tolist() == [5, 4, 3, 5, 1, 0, 2]
    assert found.dataset.groups["region"].counts.tolist() == [1, 1, 1, 1, 1, 2]


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        (["10", "9", "-1"], ("-1", "9", "10")),
        (["2024-01-10", "2024-01-9", "2023-12-01"], ("2023-12-01", "2024-01-9", "2024-01-10")),
        (["low", "high", "mid"], ("low", "high", "mid")),
    ],
)
def test_an_ordered_level_goes_by_size_or_by_appearance(
    labels: list[str], order: tuple[str, ...]
) -> None:
    text = "level week ordered\ndata y : real\ny ~ normal(alpha, sigma)\nalpha ~ week\n"
    found = bound(text, rows("week,y", *(f"{label},{i}" for i, label in enumerate(labels))))

    assert found.facts.labels["week"] == order


def test_children_keep_their_labels_where_these_are_unique() -> None:
    found = bound(NESTED, rows("school,class,y", "b,1,1", "b,2,2", "a,10,3", "a,9,4"))

    assert found.facts.labels["class"] == ("1", "2", "9", "10")
    assert found.facts.labels["school"] == ("a", "b")


def test_children_are_named_after_their_parents_where_labels_repeat() -> None:
    found = bound(NESTED, rows("school,class,y", "b,1,1", "b,2,2", "a,1,3", "a,10,4"))

    assert found.facts.labels["class"] == ("a:1", "a:10", "b:1", "b:2")
    assert found.dataset.groups["class"].codes.tolist() == [2, 3, 0, 1]
    assert codes(found) == []


def test_three_levels_deep() -> None:
    text = "data y : real\ny ~ normal(alpha, sigma)\nalpha ~ country / market / shop\n"
    found = bound(
        text, rows("country,market,shop,y", "n,x,1,1", "n,z,1,2", "s,x,1,3", "s,x,2,4", "s,x,2,5")
    )

    assert found.facts.labels["market"] == ("n:x", "n:z", "s:x")
    assert found.facts.labels["shop"] == ("n:x:1", "n:z:1", "s:x:1", "s:x:2")


def test_an_interaction_has_the_combinations_that_occur() -> None:
    text = "data y : real\ny ~ normal(alpha, sigma)\nalpha ~ 0 + color : week\n"
    found = bound(text, rows("color,week,y", "red,10,1", "red,9,2", "blue,10,3", "red,9,4"))

    [level] = [name for name in found.facts.labels if ":" in name]
    assert found.facts.labels[level] == ("blue:10", "red:9", "red:10")
    assert found.dataset.groups[level].codes.tolist() == [2, 1, 0, 1]


def test_a_fixed_level_has_its_members() -> None:
    text = (
        "level effect = {intercept, slope}\ndata y, x : real\n"
        "y ~ normal(b[intercept] + b[slope] * x, sigma)\nb[effect] ~ normal(0, 1)\n"
    )
    text = text.replace("b[intercept]", 'b["intercept"]').replace("b[slope]", 'b["slope"]')
    found = bound(text, rows("y,x", "1,2", "3,5"))

    assert found.facts.labels["effect"] == ("intercept", "slope")
    assert codes(found) == []


@pytest.mark.parametrize("label", ['a "b"', "two\nlines", "<script>", "👩‍🔬", "a:b", "x\\y", "1.0"])
def test_any_text_may_be_a_label(label: str) -> None:
    text = "data y : real\ny ~ normal(alpha, sigma)\nalpha ~ region\n"
    quoted = '"' + label.replace('"', '""') + '"'
    found = bound(text, rows("region,y", f"{quoted},1", f"{quoted},2", "z,3"))

    assert set(found.facts.labels["region"]) == {label, "z"}
    assert codes(found) == []
