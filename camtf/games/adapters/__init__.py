"""The duel for other libraries, by their interfaces. `docs/other_frameworks.md` shows each in use.

=====================  ===============================================================================================
`DuelEnv`              Gymnasium: one player against a bot, ``gymnasium.make("camtf/Duel-v0")``
`DuelVectorEnv`        Gymnasium: many of them in one compiled step, ``gymnasium.make_vec("camtf/Duel-v0", 512)``
`DuelParallelEnv`      PettingZoo: both players
`layouts`              what an observation and an action look like: for a network of modules, flat, with masks where a
                       library looks for them
`registration`         Gymnasium knows the names above once ``camtf`` is imported
=====================  ===============================================================================================

The first two need Gymnasium (extra ``gymnasium``), the third PettingZoo too (extra ``pettingzoo``).
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from camtf.games.adapters.parallel import DuelParallelEnv
    from camtf.games.adapters.single import DuelEnv
    from camtf.games.adapters.vector import DuelVectorEnv

__all__ = ["DuelEnv", "DuelParallelEnv", "DuelVectorEnv"]

_MODULES = {"DuelEnv": "single", "DuelParallelEnv": "parallel", "DuelVectorEnv": "vector"}


def __getattr__(name: str) -> Any:
    """Each class with the first use of its name: who has Gymnasium alone can use what needs no more."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
