"""The roster: who can fight and with what. Data in the TOML files beside this module, loading in `loader`."""

from camtf.games.duel.roster.loader import Roster, RosterError, element_column, load_roster

__all__ = ["Roster", "RosterError", "element_column", "load_roster"]
