"""The log of facts: its port, its two implementations, migrations and the embedded engine."""
