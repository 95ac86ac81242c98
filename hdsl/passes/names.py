"""The names of all passes, for options and messages; in the order in which they are applied."""

PASS_NAMES = ("integrate", "centre", "score")
