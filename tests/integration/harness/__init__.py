"""Helpers of the integration tests and benchmarks: programs under test, stores, writers, comparisons."""
