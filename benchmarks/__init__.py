"""Measures the index beside its yardsticks, by turns in the same run: `make bench`, `make bench-full`."""
