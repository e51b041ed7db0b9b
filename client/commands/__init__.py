"""The commands: what is typed, and what is told of it."""
