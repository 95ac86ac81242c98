"""Statistical advice: what a careful colleague would ask about a model and its data."""
