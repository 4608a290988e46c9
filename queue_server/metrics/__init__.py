"""Committed facts as Prometheus series."""
