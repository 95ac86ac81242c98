"""What is done around a fit: simulate a design, recover what was put in, compare poolings.

Importing it starts no sampler.
"""
