"""Outcomes that are labels, bound to data."""

from hdsl.compiler import bind_data, model_of
from hdsl.source import Source

ORDERED = "data rating : ordered\ndata x : real\nrating ~ orderedlogistic(b * x)\nb ~ normal(0, 1)"
CHOICE = (
    "data choice : factor\ndata x : real\nchoice ~ categorical(logit_p = a)\n"
    "a[choice] ~ normal(0, 1)"
)


def codes(model: str, rows: str) -> list[str]:
    return [d.code for d in bind_data(model_of(Source(model)), rows).diagnostics]


def labels(model: str, rows: str, axis: str) -> tuple[str, ...]:
    binding = bind_data(model_of(Source(model)), rows)
    assert binding.sound, binding.diagnostics
    return binding.facts.labels[axis]


def test_numbers_are_in_their_own_order() -> None:
    rows = "rating,x\n10,1\n2,3\n1,2\n,3\n"
    assert labels(ORDERED, rows, "cut") == ("1|2", "2|10")
    counted = ORDERED.replace("ordered\n", "count\n")
    assert labels(counted, rows, "cut") == ("1|2", "2|10")


def test_words_must_be_listed() -> None:
    assert codes(ORDERED, "rating,x\nlow,1\nhigh,3\n") == ["H981"]
    listed = ORDERED.replace("ordered\n", "ordered {low, high}\n")
    assert labels(listed, "rating,x\nhigh,1\nlow,3\n", "cut") == ("low|high",)


def test_a_label_that_is_not_listed_is_refused() -> None:
    listed = ORDERED.replace("ordered\n", "ordered {low, high}\n")
    assert codes(listed, "rating,x\nhigh,1\nlow,3\nhihg,2\n") == ["H913"]


def test_one_label_is_too_few_and_none_at_all_too() -> None:
    assert codes(CHOICE, "choice,x\na,1\na,2\n") == ["H980"]
    assert codes(CHOICE, "choice,x\n,1\n,2\n") == ["H931"]


def test_the_baseline_is_the_first_or_the_one_named() -> None:
    rows = "choice,x\nb,1\na,2\nc,3\n"
    assert labels(CHOICE, rows, "choice_label") == ("b", "c")
    named = CHOICE.replace("logit_p = a", 'logit_p = a, baseline = "b"')
    assert labels(named, rows, "choice_label") == ("a", "c")
    assert codes(named, rows.replace("b,", "d,")) == ["H934"]


def test_the_baseline_has_no_coefficient_to_pick() -> None:
    assert codes(CHOICE + '\nd = a["a"]', "choice,x\nb,1\na,2\nc,3\n") == ["H934"]
