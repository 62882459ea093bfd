"""The version of camtf."""

VERSION = "0.1.0"
