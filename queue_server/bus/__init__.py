"""Hints between nodes: somebody has written to a branch; where and what is in the log."""
