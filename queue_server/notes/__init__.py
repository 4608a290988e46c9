"""Free texts, kept outside the stream so that they can be deleted."""
