"""The web and feed forms of state and facts, and of the configuration, converted in one place."""
