"""The duel by Gymnasium's interface: one player against a bot."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from camtf.games.adapters.layouts import Layout, action_form, row
from camtf.games.duel.bots import BOTS
from camtf.games.duel.episodes import Episodes, Pair
from camtf.games.duel.roster import Roster, load_roster
from camtf.games.protocol import Bot
from camtf.types import Observation

try:
    import gymnasium
except ImportError as error:
    raise ImportError(f"camtf.games.adapters needs {error.name}; install camtf[gymnasium]") from error

SEEDS = 1 << 62
"""How many seeds are drawn from where none is given."""


def chosen_opponent(opponent: str | Bot) -> Bot:
    """A bot by its name, or itself. Raises ValueError on an unknown name."""
    if isinstance(opponent, str) and opponent not in BOTS:
        raise ValueError(f"opponent must be one of {', '.join(BOTS)} or a function; got {opponent!r}")
    return BOTS[opponent] if isinstance(opponent, str) else opponent


def chosen_roster(roster: Roster | str | Path | None) -> Roster:
    """A roster, or the one of a folder; camtf's own where None. Raises RosterError."""
    if roster is None:
        return load_roster()
    return roster if isinstance(roster, Roster) else load_roster(roster)


def of_player(seen: Observation, player: int) -> Observation:
    """One player's part, leaves ``[B, ...]``."""
    return Observation(*(x[player] for x in seen))


class DuelEnv(gymnasium.Env):
    """One player against a bot: ``gymnasium.make("camtf/Duel-v0", opponent="punisher")``.

    A match ends by knock-out or by the bell, which has a result too: both are terminations, nothing is ever truncated.
    ``info`` names the ``characters`` at the start, and at the end the ``outcome``: 1 won, 0.5 draw, 0 lost. The reward
    is `DuelGame`'s. ``reset(options={"characters": (id, id)})`` says who fights in this match.

    Args:
        opponent: a name of `camtf.games.duel.bots.BOTS`, or another `camtf.games.protocol.Bot` of the duel.
        roster: who can fight, or the folder that says it; the roster that camtf brings where None.
        characters: id of the own and of the opponent's character; None, for one or both, means any of the roster, drawn
            for every match.
        illegal: what an action does that the mask forbids: "nothing" (that head does nothing) or "refuse" (ValueError).
        observation: one of `camtf.games.adapters.layouts.LAYOUTS`; see `Layout` there.
        actions: "heads" (movement and skill) or "joint" (one number for both).
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": []}

    def __init__(
        self,
        opponent: str | Bot = "rusher",
        roster: Roster | str | Path | None = None,
        characters: Pair | None = None,
        illegal: str = "nothing",
        observation: str = "modules",
        actions: str = "heads",
    ) -> None:
        self._opponent = chosen_opponent(opponent)
        self._actions = action_form(actions)
        self._match = Episodes(chosen_roster(roster), 1, characters, illegal)
        self._layout = Layout(observation, self._match.roster, self._actions)
        self._begun = False
        self.observation_space = self._layout.space
        self.action_space = self._actions.space

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start a match; with a seed, the same one for the same seed. Raises RosterError on an unknown character."""
        super().reset(seed=seed)
        characters = (options or {}).get("characters")
        if seed is None and self._begun:
            self._match.begin(np.ones(1, np.bool_), characters)
        else:
            first = int(self.np_random.integers(SEEDS)) if seed is None else seed
            self._match.start(np.array([first % 2**64], np.uint64), characters)
        self._begun = True
        return self._see(), {"characters": self._match.characters_of(0)}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Play one decision (3 ticks) against the bot.

        Raises ValueError on what is not in the action space, RuntimeError before `reset` and after the end.
        """
        chosen = self._actions.read(action)[None]
        if self._match.ended[0]:
            raise RuntimeError("no match is running: call reset() first")
        opponent = of_player(self._match.seen, 1)
        answer = self._opponent(self._match.game, 1, opponent, self._match.uniforms())
        step = self._match.play(np.stack([chosen, answer]))
        done = bool(step.done[0])
        return self._see(), float(step.reward[0, 0]), done, False, {"outcome": float(step.outcome[0])} if done else {}

    def action_masks(self) -> np.ndarray:
        """What is legal now, bool ``[A]``: movements, then skills; or of the joint number. sb3-contrib asks for it."""
        return self._layout.mask(of_player(self._match.seen, 0))[0].astype(np.bool_)

    def _see(self) -> Any:
        return row(self._layout.see(of_player(self._match.seen, 0)), 0)
