"""Queue and counter management for any hall where people wait for service."""
