"""Watching replays: one HTML file each, which needs nothing but a browser; and films made of it."""

from camtf.games.duel.viewer.film import write_film
from camtf.games.duel.viewer.page import write_page

__all__ = ["write_film", "write_page"]
