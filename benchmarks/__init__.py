"""Measurements, each against a named reference that is measured in the same run."""
