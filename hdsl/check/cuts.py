"""The default prior of cut points: they stand where an intercept would, around 0."""

from hdsl.check.predictor import Predictors, Use
from hdsl.families import Role


def beside_cuts(name: str, predictors: Predictors) -> Use | None:
    """What an intercept would be beside some cut points; None of any other quantity."""
    for use in predictors.uses(name) or ():
        if use.parameter.role is Role.CUTS:
            return predictors.location(use.user)
    return None


def cuts_rule(is_widened: bool) -> str:
    """The rule of the default prior, in words."""
    wider = ", widened as an intercept would be" if is_widened else ""
    return f"cut points: each 2.5 around 0, in increasing order{wider}"
