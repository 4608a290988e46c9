"""The HTTP interface and the built screens."""
