"""Branches in memory, the one writer, deadlines, and those who watch what is committed."""
