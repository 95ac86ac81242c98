"""The same posteriors by hand and by HDSL, side by side, in one run: `python -m benchmarks`.

Every cell of the table (a workload, a contestant, a stage) is a process of its own, so that
imports, compilation and memory are each contestant's own. Nothing of ``hdsl`` imports this package.
"""
