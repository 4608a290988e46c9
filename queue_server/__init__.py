"""Queue and counter management for any hall where people wait for service."""

__version__ = "0.1.0"
