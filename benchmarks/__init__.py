"""Where the figures of the README come from: one command each, a table for people, one JSON line for programs."""
