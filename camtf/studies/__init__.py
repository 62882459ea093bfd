"""Whole studies: what is trained and measured (`presets`), in which order (`steps`), and what came out (`results`)."""
