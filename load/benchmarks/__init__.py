"""Benchmarks of the reference payer: a fixed mix of requests over members made by copying, on either store."""
