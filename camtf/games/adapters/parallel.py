"""The duel by PettingZoo's parallel interface: both players."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from camtf.games.adapters.layouts import Layout, action_form, row
from camtf.games.adapters.single import SEEDS, chosen_roster, of_player
from camtf.games.duel.episodes import Episodes, Pair
from camtf.games.duel.roster import Roster

try:
    from gymnasium import spaces
    from pettingzoo import ParallelEnv
except ImportError as error:
    raise ImportError(f"DuelParallelEnv needs {error.name}; install camtf[pettingzoo]") from error

AGENTS = ("player_0", "player_1")


class DuelParallelEnv(ParallelEnv):
    """Both players at once: agents ``player_0`` and ``player_1``.

    A match ends by knock-out or by the bell, which has a result too: both are terminations, nothing is ever truncated.
    ``reset(options={"characters": (id, id)})`` says who fights.

    Args:
        roster, characters, illegal, observation, actions: see `camtf.games.adapters.single.DuelEnv`.
    """

    metadata: ClassVar[dict[str, Any]] = {"name": "camtf_duel_v1", "render_modes": []}

    def __init__(
        self,
        roster: Roster | str | Path | None = None,
        characters: Pair | None = None,
        illegal: str = "nothing",
        observation: str = "network",
        actions: str = "heads",
    ) -> None:
        self._actions = action_form(actions)
        self._match = Episodes(chosen_roster(roster), 1, characters, illegal)
        self._layout = Layout(observation, self._match.roster, self._actions)
        self._begun = False
        self._rng = np.random.default_rng()
        self.possible_agents = list(AGENTS)
        self.agents: list[str] = []
        self.render_mode = None
        self.observation_spaces = {agent: self._layout.space for agent in AGENTS}
        self.action_spaces = {agent: action_form(actions).space for agent in AGENTS}

    def observation_space(self, agent: str) -> spaces.Space:
        """The agent's observation space, always the same object."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space:
        """The agent's action space, always the same object."""
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[dict, dict]:
        """Start a match; with a seed, the same one for the same seed. Raises RosterError on an unknown character."""
        characters = (options or {}).get("characters")
        if seed is None and self._begun:
            self._match.begin(np.ones(1, np.bool_), characters)
        else:
            first = int(self._rng.integers(SEEDS)) if seed is None else seed
            self._match.start(np.array([first % 2**64], np.uint64), characters)
        self._begun = True
        self.agents = list(AGENTS)
        return self._see(), {agent: {} for agent in AGENTS}

    def step(self, actions: dict[str, Any]) -> tuple[dict, dict, dict, dict, dict]:
        """Play one decision (3 ticks) of both.

        Raises ValueError on actions that are not in `action_space`, RuntimeError before `reset` and after the end.
        """
        if set(actions) != set(AGENTS):
            raise ValueError(f"actions must name {' and '.join(AGENTS)}; got {list(actions)}")
        step = self._match.play(np.stack([self._read(agent, actions[agent]) for agent in AGENTS]))
        done, outcome = bool(step.done[0]), float(step.outcome[0])
        self.agents = [] if done else list(AGENTS)
        outcomes = (outcome, 1.0 - outcome)
        infos = {agent: {"outcome": o} if done else {} for agent, o in zip(AGENTS, outcomes, strict=True)}
        return (
            self._see(),
            {agent: float(r) for agent, r in zip(AGENTS, step.reward[:, 0], strict=True)},
            dict.fromkeys(AGENTS, done),
            dict.fromkeys(AGENTS, False),
            infos,
        )

    def _read(self, agent: str, choice: Any) -> np.ndarray:
        try:
            return self._actions.read(choice)[None]
        except ValueError as error:
            raise ValueError(f"{agent}: {error}") from error

    def _see(self) -> dict[str, Any]:
        return {agent: row(self._layout.see(of_player(self._match.seen, p)), 0) for p, agent in enumerate(AGENTS)}
