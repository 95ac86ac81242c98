"""Advice about the columns of blocks names them one by one."""

from hdsl.lint import lint
from tests.data.binding import bound

ROWS = "region,y,x,size\n" + "".join(
    f"r{i},{5 + (5 * i + 2 * j) % 7},{(7 * i + 3 * j) % 11 - 5},{i * i}\n"
    for i in range(8)
    for j in range(6)
)
HEAD = "level region\ndata y, x : real\ndata size : real per region\n"


def advice(text: str) -> list[tuple[str, str]]:
    """Code and headline of the advice for a model."""
    binding = bound(HEAD + text, ROWS)
    assert binding.sound, [d.headline for d in binding.diagnostics]
    return [(d.code, d.headline) for d in lint(binding.dataset.model, binding)]


def test_a_column_that_varies_in_no_group() -> None:
    text = "data X = [1, x, size]\ny ~ normal(X @ theta, sigma)\ntheta[X] ~ region\n"
    said = "`size` is the same throughout each `region`, and its slope varies by it"

    assert advice(text) == [("H606", said)]
    assert advice(text + "sd(theta[size]) = 0\n") == []


def test_a_column_far_from_zero_beside_an_intercept() -> None:
    text = (
        "data X = [x, far = x + 100]\ny ~ normal(a + X @ theta, sigma)\n"
        "a ~ region\ntheta[X] ~ region\n"
    )
    said = "`far` lies far from zero: its mean is 99.9583, its sd 3.21538"

    assert advice(text) == [("H608", said)]
    assert advice(text.replace("x + 100", "2 * center(x^2)")) == []


def test_as_many_columns_as_groups() -> None:
    text = "y ~ normal(a, sigma)\na ~ region | [size, b = size^2, c = size^3, d = size^4]\n"
    assert advice(text) == []

    more = text.replace("]", ", e = size^5, f = size^6, g = size^7]")
    assert advice(more) == [("H605", "7 predictors and a mean for 8 groups of `region`")]
