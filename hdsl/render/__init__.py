"""Pictures, lists and equations of a model: views of the Model, each a pure function of it."""

from hdsl.render.equations import equations
from hdsl.render.render import FORMS, VIEWS, picture, render

__all__ = ["FORMS", "VIEWS", "equations", "picture", "render"]
