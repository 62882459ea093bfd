"""The duel: a deterministic 1-vs-1 fighting game in compiled scalar code. Knows nothing of TensorFlow.

roster (data) -> rules (one tick) -> observation (the four modules) -> env (B matches at once). Around it: bots
(scripted opponents), replay and viewer (a match again, in a browser), adapters (for PettingZoo and Gymnasium).
"""

from camtf.games.duel.env import DuelGame
from camtf.games.duel.roster import Roster, RosterError, load_roster

__all__ = ["DuelGame", "Roster", "RosterError", "load_roster"]
