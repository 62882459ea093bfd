"""Watching replays: one HTML file each, which needs nothing but a browser."""

from camtf.game.viewer.page import write_page

__all__ = ["write_page"]
