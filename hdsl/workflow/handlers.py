"""Effect handlers for generated NumPyro models; imported only where a model is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpyro
from numpyro.primitives import Messenger


class Unobserved(Messenger):  # type: ignore[misc]  # NumPyro is not typed
    """Draws the named sites instead of reading what was observed; stands around `seed`."""

    def __init__(self, fn: Callable[..., Any], sites: frozenset[str]) -> None:
        super().__init__(fn)
        self.sites = sites

    def process_message(self, msg: dict[str, Any]) -> None:
        """Frees an observed site, and asks for the randomness that `seed` had no cause to give."""
        if msg["type"] == "sample" and msg["name"] in self.sites and msg["is_observed"]:
            msg["is_observed"], msg["value"] = False, None
            if msg["kwargs"]["rng_key"] is None:
                msg["kwargs"]["rng_key"] = numpyro.prng_key()


class Masked(Messenger):  # type: ignore[misc]  # NumPyro is not typed
    """Lets only the chosen observations of each named site count; masks are 0 or 1 by site."""

    def __init__(self, fn: Callable[..., Any], masks: Mapping[str, Any]) -> None:
        super().__init__(fn)
        self.masks = masks

    def process_message(self, msg: dict[str, Any]) -> None:
        """Masks the distribution of an observed site."""
        if msg["type"] == "sample" and msg["name"] in self.masks and msg["is_observed"]:
            msg["fn"] = msg["fn"].mask(self.masks[msg["name"]])
