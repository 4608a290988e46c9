"""The pure rules of a branch: commands in, facts out; no clock, no input or output."""
