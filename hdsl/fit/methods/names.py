"""The methods by name, for whoever must not wait for JAX."""

METHODS = ("nuts", "laplace", "svi", "pathfinder", "auto")
"""What a method may be called; ``auto`` chooses one of the others."""

APPROXIMATE = {
    "laplace": "hdsl.fit.methods.laplace",
    "svi": "hdsl.fit.methods.svi",
    "pathfinder": "hdsl.fit.methods.pathfinder",
}
"""The module of each approximate method: its function bears the method's name."""
