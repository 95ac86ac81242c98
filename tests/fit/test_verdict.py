"""The verdict names what is wrong with the chains and what to do."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

from hdsl.compiler import model_of
from hdsl.fit.described import centrings
from hdsl.fit.verdict import DOUBTFUL, UNRELIABLE, judge, judge_approximation
from hdsl.source import Source

SAMPLE = ("chain", "draw")
INFO = {"status": "complete", "options": {"draws": 500}}


def _tree(
    chains: int = 4, draws: int = 500, posterior: Any = None, stats: Any = None
) -> xr.DataTree:
    rng = np.random.default_rng(0)
    shape = (chains, draws)
    good = {
        "diverging": np.zeros(shape, bool),
        "tree_depth": np.full(shape, 3),
        "energy": rng.normal(size=shape),
    } | (stats or {})
    groups = {
        "posterior": xr.Dataset(
            {"sigma": (SAMPLE, rng.normal(size=shape))} | (posterior or {}),
            {"bed": ["a", "b"]},
        ),
        "sample_stats": xr.Dataset({name: (SAMPLE, value) for name, value in good.items()}),
    }
    return xr.DataTree.from_dict(groups)


def test_chains_that_agree_are_sound() -> None:
    verdict = judge(_tree(), INFO)
    assert verdict.sound
    (line,) = verdict.lines
    assert line.startswith("The chains have converged: no divergences, largest r-hat 1.00")


def _complaint(tree: xr.DataTree, info: Any = INFO, serious: bool = False) -> str:
    """The only complaint about a run."""
    verdict = judge(tree, info)
    assert not verdict.sound
    first, complaint, measured = verdict.lines
    assert first == (UNRELIABLE if serious else DOUBTFUL)
    assert measured.startswith("largest r-hat ")
    return complaint


def test_divergences_are_counted() -> None:
    diverging = np.zeros((4, 500), bool)
    diverging[0, :20] = True
    complaint = _complaint(_tree(stats={"diverging": diverging}))
    assert complaint.startswith("20 of 2000 draws diverged (1%): ")


@pytest.mark.parametrize(
    ("coefficient", "said", "unsaid"),
    [
        ("a ~ 1", "Give the parameters tighter priors", "centered"),
        ("a ~ bed", "Write `with centered`", "noncentered"),
        ("a ~ bed with centered", "Write `with noncentered`", "`with centered`"),
        ("a[bed] ~ normal(0, s)\ns ~ halfnormal(1)", "Write `with centered`", "noncentered"),
        ("a[bed] ~ normal(0, 1)", "Give the parameters tighter priors", "centered"),
    ],
)
def test_only_a_form_that_is_not_yet_taken_is_advised(
    coefficient: str, said: str, unsaid: str
) -> None:
    model = model_of(Source(f"data y : real\ny ~ normal(a, sigma)\n{coefficient}\n", "model.hdsl"))
    energy = np.random.default_rng(2).normal(size=(4, 500)).cumsum(axis=1)
    tree = _tree(stats={"diverging": np.ones((4, 500), bool), "energy": energy})

    lines = "\n".join(judge(tree, INFO | {"centrings": centrings(model)}).lines)

    assert said in lines and "Low energy" in lines
    assert unsaid not in lines


def test_chains_that_disagree_are_an_error_that_names_the_quantity() -> None:
    alpha = np.random.default_rng(1).normal(size=(4, 500, 2))
    alpha[0, :, 1] += 30
    verdict = judge(_tree(posterior={"alpha": ((*SAMPLE, "bed"), alpha)}), INFO)
    assert verdict.lines[1].startswith("The chains disagree about 1 of 3 numbers (r-hat above")
    assert "(alpha[b])" in verdict.lines[-1]


def test_few_independent_draws_are_told_apart_from_disagreement() -> None:
    complaint = _complaint(_tree(draws=50), serious=True)
    assert complaint.startswith("Too few independent draws of sigma (effective sample size ")


def test_one_chain_cannot_be_compared() -> None:
    lines = judge(_tree(chains=1, draws=2000), INFO).lines
    assert lines[1] == "One chain cannot be compared with others: run 4 (`--chains 4`)."


def test_cut_off_trees_are_slow_not_wrong() -> None:
    verdict = judge(_tree(stats={"tree_depth": np.full((4, 500), 10)}), INFO)
    assert verdict.sound
    assert verdict.lines[1].startswith("100% of the steps were cut off at depth 10: slow, not")


def test_low_energy_information_names_the_chains() -> None:
    energy = np.random.default_rng(0).normal(size=(4, 500))
    energy[2] = energy[2].cumsum()
    complaint = _complaint(_tree(stats={"energy": energy}))
    assert complaint.startswith("Low energy information (E-BFMI below 0.3) in chain 3: ")


def test_partial_draws_are_said_to_be_partial() -> None:
    complaint = _complaint(_tree(), {"status": "partial", "options": {"draws": 5000}}, serious=True)
    assert complaint.startswith("Partial: stopped after 500 of 5000 draws a chain")


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_what_never_moves_is_left_out(value: float) -> None:
    fixed = {"fixed": (SAMPLE, np.full((4, 500), value))}
    assert judge(_tree(posterior=fixed), INFO).sound


@pytest.mark.parametrize(
    "found, sound, first",
    [
        ({"khat": 0.3}, True, "Pareto k-hat 0.30, below 0.7: close to the posterior."),
        ({"khat": 0.3, "trusted": False}, False, "k-hat 0.30: not close to the posterior."),
        ({"khat": 0.9, "khat_hyper": 0.2}, False, "0.90: near the posterior, not the posterior."),
        ({"khat": None, "trusted": False}, False, "k-hat infinite: not close to the posterior."),
        ({"khat": None}, False, "that was not checked: Pareto k-hat unknown."),
        ({"khat": None, "trusted": True, "checked": False}, False, "k-hat unknown."),
    ],
)
def test_an_approximation_is_sound_only_where_that_was_checked(
    found: dict[str, Any], sound: bool, first: str
) -> None:
    verdict = judge_approximation("svi", found)
    assert verdict.sound == sound
    assert verdict.lines[0].endswith(first)
    if not sound:
        assert "`--method nuts`" in verdict.lines[1]
