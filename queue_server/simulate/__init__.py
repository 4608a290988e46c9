"""A hall in virtual time: the rules of the core, driven by arrivals and durations drawn by chance or taken from a record."""
