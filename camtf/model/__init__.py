"""The network: four encoders that know nothing of each other, a trunk where they meet, three heads."""

from camtf.model.policy import Policy

__all__ = ["Policy"]
