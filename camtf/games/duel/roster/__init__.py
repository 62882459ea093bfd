"""The roster: who can fight and with what. TOML files beside this module, read by `entries`, packed by `loader`."""

from camtf.games.duel.roster.entries import RosterError
from camtf.games.duel.roster.loader import Roster, element_column, load_roster

__all__ = ["Roster", "RosterError", "element_column", "load_roster"]
