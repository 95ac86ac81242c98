"""What of row length the results hold."""

import numpy as np
import pytest

from hdsl.fit import draws
from hdsl.fit.draws import OutcomeRows, keeps_pointwise, predicts_missing


def gaps(missing: int, predicted: bool = True) -> OutcomeRows:
    seen = np.arange(missing, 100)
    return OutcomeRows("y", "y", "y", 100, np.ones(len(seen)), "y_seen", seen, predicted)


def test_missing_values_are_drawn_where_they_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draws, "POINTWISE_VALUES", 1000)
    assert predicts_missing(gaps(10), 100)
    assert not predicts_missing(gaps(11), 100)
    assert not keeps_pointwise((gaps(10),), 100)


def test_outcome_that_is_not_predicted_still_knows_its_gaps() -> None:
    assert gaps(3).wanted.tolist() == [0, 1, 2]
    assert gaps(3, predicted=False).wanted.size == 0
    assert gaps(3, predicted=False).unseen.tolist() == [0, 1, 2]
