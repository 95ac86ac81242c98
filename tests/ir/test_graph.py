"""The public graphs, attribute by attribute."""

import networkx
import pytest

from hdsl.ir.graph import dependency_graph, level_graph
from tests.render import models


@pytest.mark.parametrize("name", models.CASES)
def test_dependencies_have_every_attribute_and_no_cycle(name):
    graph = dependency_graph(models.CASES[name][0]())
    wanted = "kind domain support distribution transform expression default learned_from recorded"
    for _, attributes in graph.nodes(data=True):
        assert set(attributes) == {*wanted.split(), "span", "line"}
    assert networkx.is_directed_acyclic_graph(graph)
    assert all(roles for _, _, roles in graph.edges(data="roles"))


def test_dependencies_of_the_radon_model():
    graph = dependency_graph(models.radon())
    kinds = networkx.get_node_attributes(graph, "kind")
    assert kinds == {
        "log_radon": "outcome",
        "floor": "data",
        "log_uranium": "data",
        "mean(alpha)": "parameter",
        "mean(beta)": "parameter",
        "sd(alpha)": "parameter",
        "sd(beta)": "parameter",
        "slope(alpha, log_uranium)": "parameter",
        "slope(beta, log_uranium)": "parameter",
        "cor(alpha, beta)": "correlation",
        "dev(alpha)": "deviation",
        "dev(beta)": "deviation",
        "alpha": "definition",
        "beta": "definition",
        "sigma": "parameter",
    }
    assert set(graph.predecessors("alpha")) == {
        "mean(alpha)",
        "slope(alpha, log_uranium)",
        "log_uranium",
        "dev(alpha)",
    }
    assert set(graph.predecessors("dev(beta)")) == {"sd(beta)", "cor(alpha, beta)"}
    assert graph.edges["sd(beta)", "dev(beta)"]["roles"] == ("sd",)
    assert graph.edges["floor", "log_radon"]["roles"] == ("mu",)
    assert graph.nodes["sigma"] | {"span": None} == {
        "kind": "parameter",
        "domain": (),
        "support": "real",
        "distribution": "halfstudentt(4, sd(log_radon))",
        "transform": None,
        "expression": None,
        "default": "residual scale",
        "learned_from": ("log_radon",),
        "recorded": True,
        "span": None,
        "line": 1,
    }
    assert not graph.has_edge("log_radon", "sigma")
    assert graph.nodes["log_radon"]["distribution"] == "normal(alpha + beta * floor, sigma)"


def test_levels_cross_and_nest():
    graph = level_graph(models.effects())
    assert set(graph.edges) == {
        ("category", "category:week"),
        ("week", "category:week"),
        ("category:week", "row"),
        ("store", "row"),
    }
    assert [level for level, crossed in graph.nodes(data="crossed") if crossed] == [
        "category:week",
        "row",
    ]
    assert [graph.nodes[level]["place"] for level in graph] == [0, 1, 2, 3, 4]


def test_levels_know_their_groups_from_the_facts():
    graph = level_graph(models.nested(), models.nested_facts())
    assert list(graph.edges) == [
        ("country", "market"),
        ("market", "submarket"),
        ("submarket", "row"),
    ]
    assert dict(graph.nodes(data="groups")) == {
        "country": 3,
        "market": 24,
        "submarket": 310,
        "row": 12000,
    }
    assert graph.nodes["country"]["labels"] == ("Chile", "Kenya", "Norway")
    assert level_graph(models.nested()).nodes["country"]["groups"] is None
