"""The feed that keeps screens in step with the log."""
