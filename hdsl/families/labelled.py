"""Distributions of labels, in an order or without one.

A value is the place of its label, from 0. The results and the tables that are written from them
show the labels.
"""

from hdsl.families.family import (
    COUNT,
    REAL,
    Categories,
    Family,
    FamilyParameter,
    Role,
)
from hdsl.families.helpers import (
    NUMPYRO_ORDERED_LOGISTIC,
    NUMPYRO_WITH_BASELINE,
    PYMC_ORDERED_LOGISTIC,
    PYMC_WITH_BASELINE,
)
from hdsl.families.rows import location, spelling

CATEGORICAL = Family(
    name="categorical",
    parameters=(
        location("logit_p", "log odds of each label against the baseline, whose own are 0"),
    ),
    support=COUNT,
    numpyro={
        ("logit_p",): spelling(
            "dist.Categorical", "logits=with_baseline({logit_p})", NUMPYRO_WITH_BASELINE
        )
    },
    pymc={
        ("logit_p",): spelling(
            "pm.Categorical", "logit_p=with_baseline({logit_p})", PYMC_WITH_BASELINE
        )
    },
    mean=None,
    variance=None,
    doc=(
        "One label of several. `logit_p` varies over the outcome's own labels, which are an axis: "
        "`logit_p = alpha + beta * x` with `alpha[choice] ~ region`. The baseline is the first "
        'label, or the one that `baseline = "car"` names; its log odds are 0.'
    ),
    density="softmax((0, logit_p))[x]",
    reference="Stan Functions Reference, Categorical distribution (categorical logit)",
    positional=False,
    categories=Categories.UNORDERED,
    elsewhere=("categorical_logit", "multinomial_logit"),
)

ORDEREDLOGISTIC = Family(
    name="orderedlogistic",
    parameters=(
        location("eta", "location of the latent variable, without an intercept"),
        FamilyParameter("cut", REAL, Role.CUTS, "cut points between the labels, increasing"),
    ),
    support=COUNT,
    numpyro={("eta", "cut"): spelling("OrderedLogistic", "{eta}, {cut}", NUMPYRO_ORDERED_LOGISTIC)},
    pymc={("eta", "cut"): spelling("OrderedLogistic", "{eta}, {cut}", PYMC_ORDERED_LOGISTIC)},
    mean=None,
    variance=None,
    doc=(
        "One label of several in an order: a logistic variable around `eta`, read off between cut "
        "points. It is written `orderedlogistic(eta)`; the cut points are the quantity `cut(y)`, "
        "increasing, along the axis `cut`. They take the place of an intercept in `eta`."
    ),
    density="expit(cut[x + 1] - eta) - expit(cut[x] - eta)",
    reference="Stan Functions Reference, Ordered logistic distribution",
    categories=Categories.ORDERED,
    elsewhere=("ordered_logistic", "cumulative", "polr"),
)

LABELLED = (CATEGORICAL, ORDEREDLOGISTIC)
"""The rows of this file, in the order of the language reference."""
