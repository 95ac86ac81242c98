"""Data of any make as columns, and what they reveal of a model that they are bound to."""
