"""Plays a recorded day against a running server, through its public interfaces only: HTTP and the push feed."""
