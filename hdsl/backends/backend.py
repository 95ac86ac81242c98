"""What a backend supplies so that a Program becomes a file of its own."""

from collections.abc import Callable
from dataclasses import dataclass

from hdsl.backends.page import Page
from hdsl.backends.program import Program
from hdsl.families.functions import Library


@dataclass(frozen=True)
class Backend:
    """One probabilistic programming library.

    ``modules`` maps a module's short name to the line that imports it; a file imports those that it
    mentions. ``body`` adds the model function to a page. ``usage`` shows how the file is run.
    """

    name: str
    title: str
    library: Library
    modules: tuple[tuple[str, str], ...]
    usage: tuple[str, ...]
    body: Callable[[Program, Page], tuple[str, ...]]  # gives the helpers that its spellings need
    fast_usage: tuple[str, ...] = ()  # where the file has ``collapsed``
    whole_usage: tuple[str, ...] = ()  # where that has all sites, if it is another
