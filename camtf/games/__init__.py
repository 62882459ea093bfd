"""Games: what training needs of one (`protocol`), the duel, small ones, adapters to other libraries.

Nothing here knows of TensorFlow.
"""

from camtf.games.protocol import BatchedGame, Bot, Game, GameError

__all__ = ["BatchedGame", "Bot", "Game", "GameError"]
