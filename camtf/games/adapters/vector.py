"""The duel by Gymnasium's vector interface: many matches against a bot, in one compiled step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from camtf.games.adapters.layouts import Layout, action_form, row
from camtf.games.adapters.single import SEEDS, chosen_opponent, chosen_roster, of_player
from camtf.games.duel.episodes import Episodes, Pair
from camtf.games.duel.roster import Roster
from camtf.games.protocol import Bot
from camtf.types import Observation, Step

try:
    from gymnasium.vector import AutoresetMode, VectorEnv
    from gymnasium.vector.utils import batch_space
except ImportError as error:
    raise ImportError(f"DuelVectorEnv needs Gymnasium 1.1 or later: {error}; install camtf[gymnasium]") from error


class DuelVectorEnv(VectorEnv):
    """B matches against a bot: ``gymnasium.make_vec("camtf/Duel-v0", num_envs=512, opponent="punisher")``.

    With one seed it is, bit for bit, Gymnasium's ``SyncVectorEnv`` of as many `DuelEnv`, and many times faster:
    match i has the seed ``seed + i``. All three autoreset modes of Gymnasium do what they do there. Every array that is
    returned is a new one.

    Args:
        num_envs: B.
        opponent, roster, characters, illegal, observation, actions: see `DuelEnv`.
        autoreset_mode: when a match that has ended begins anew: "NextStep", "SameStep" or "Disabled" (by ``reset`` with
            the option ``reset_mask``).
        staggered: the first match of each begins with a part of its 60 s gone, drawn at random, so that a batch holds
            all phases of a match at any time.
    """

    def __init__(
        self,
        num_envs: int = 1,
        opponent: str | Bot = "rusher",
        roster: Roster | str | Path | None = None,
        characters: Pair | None = None,
        illegal: str = "nothing",
        observation: str = "modules",
        actions: str = "heads",
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        staggered: bool = False,
    ) -> None:
        if num_envs < 1:
            raise ValueError(f"num_envs must be at least 1, got {num_envs}")
        modes = {mode.value: mode for mode in AutoresetMode}
        if getattr(autoreset_mode, "value", autoreset_mode) not in modes:
            raise ValueError(f"autoreset_mode must be one of {', '.join(modes)}; got {autoreset_mode!r}")
        self.num_envs = num_envs
        self._mode = AutoresetMode(autoreset_mode)
        self.metadata = {"render_modes": [], "autoreset_mode": self._mode}
        self._opponent = chosen_opponent(opponent)
        self._actions = action_form(actions)
        self._matches = Episodes(chosen_roster(roster), num_envs, characters, illegal, staggered)
        self._layout = Layout(observation, self._matches.roster, self._actions)
        self._begun = False
        self.single_observation_space = self._layout.space
        self.single_action_space = self._actions.space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start all matches, or those of the option ``reset_mask``, bool ``[B]``; see `DuelEnv.reset`."""
        super().reset(seed=seed)
        options = options or {}
        characters, which = options.get("characters"), options.get("reset_mask")
        if which is None:
            first = int(self.np_random.integers(SEEDS)) if seed is None else seed
            self._matches.start(np.arange(self.num_envs, dtype=np.uint64) + np.uint64(first % 2**64), characters)
            which = np.ones(self.num_envs, np.bool_)
        else:
            self._check_mask(which, seed)
            self._matches.begin(which, characters)
        self._begun = True
        return self._see(), self._who(which)

    def step(self, actions: Any) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """One decision (3 ticks) of every match. Returns rewards float64 and ends bool, each ``[B]``.

        Raises:
            ValueError: an action is not in the action space, or forbidden and to be refused.
            RuntimeError: before `reset`; or, where nothing resets by itself, a match has ended.
        """
        chosen = self._actions.read(actions, self.num_envs)
        if not self._begun:
            raise RuntimeError("no match is running: call reset() first")
        matches = self._matches
        anew = matches.ended if self._mode is AutoresetMode.NEXT_STEP else None
        opponent = of_player(matches.seen, 1)
        answer = self._opponent(matches.game, 1, opponent, matches.uniforms())
        step = matches.play(np.stack([chosen, answer]), anew)
        info = self._ends(step)
        if self._mode is AutoresetMode.SAME_STEP and step.done.any():
            matches.begin(step.done)
            info |= self._who(step.done)
        elif anew is not None:
            info |= self._who(anew)
        rewards = step.reward[0].astype(np.float64)
        return self._see(), rewards, step.done, np.zeros(self.num_envs, np.bool_), info

    def action_masks(self) -> np.ndarray:
        """What is legal now, bool ``[B, A]``; see `DuelEnv.action_masks`."""
        return self._layout.mask(of_player(self._matches.seen, 0)).astype(np.bool_)

    def call(self, name: str) -> tuple[Any, ...]:
        """What each match answers, as Gymnasium's ``SyncVectorEnv`` asks its environments: ``call("action_masks")``."""
        if name != "action_masks":
            raise AttributeError(f"the matches of a DuelVectorEnv answer to 'action_masks'; got {name!r}")
        return tuple(self.action_masks())

    get_attr = call

    def _see(self) -> Any:
        return self._layout.see(of_player(self._matches.seen, 0))

    def _who(self, which: np.ndarray) -> dict[str, Any]:
        """Who fights in the matches that have begun."""
        return self._told("characters", which, [self._matches.characters_of(match) for match in np.flatnonzero(which)])

    def _ends(self, step: Step) -> dict[str, Any]:
        """How the battles that have just ended did; where they begin anew at once, with what was seen last."""
        if not step.done.any():
            return {}
        outcomes = np.where(step.done, step.outcome.astype(np.float64), 0.0)
        info = {"outcome": outcomes, "_outcome": step.done.copy()}
        if self._mode is not AutoresetMode.SAME_STEP:
            return info
        ended = np.flatnonzero(step.done)
        last = self._layout.see(Observation(*(x[0, ended] for x in self._matches.seen)))
        seen = self._told("final_obs", step.done, [row(last, i) for i in range(len(ended))])
        return {**seen, "final_info": info, "_final_info": step.done.copy()}

    def _told(self, name: str, which: np.ndarray, values: list[Any]) -> dict[str, Any]:
        """What some matches tell, as Gymnasium gathers it: an array with None for the others, and who they are."""
        if not values:
            return {}
        told = np.full(self.num_envs, None, object)
        for match, value in zip(np.flatnonzero(which), values, strict=True):
            told[match] = value
        return {name: told, f"_{name}": which.copy()}

    def _check_mask(self, which: Any, seed: int | None) -> None:
        right = isinstance(which, np.ndarray) and which.shape == (self.num_envs,) and which.dtype == np.bool_
        if not right or not which.any():
            raise ValueError(f"reset_mask must be bool, of shape {(self.num_envs,)} and not all False; got {which!r}")
        if seed is not None or not self._begun:
            raise ValueError(f"reset_mask goes with matches that were started before, and with no seed; got {seed}")
