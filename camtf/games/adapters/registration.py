"""Tells Gymnasium, where it is installed, of the duel. Importing `camtf` does."""

try:
    import gymnasium
except ModuleNotFoundError:
    pass
else:
    gymnasium.register(
        id="camtf/Duel-v0",
        entry_point="camtf.games.adapters.single:DuelEnv",
        vector_entry_point="camtf.games.adapters.vector:DuelVectorEnv",
    )
