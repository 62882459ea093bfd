"""The duel for other libraries: a PettingZoo parallel environment and a Gymnasium environment against a bot.

For training here, `camtf.games.duel.env.DuelGame` plays many matches at once and is hundreds of times faster
than one match behind either interface. Needs the extra ``pettingzoo`` (PettingZoo and Gymnasium).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from camtf.games.duel.bots import BOTS
from camtf.games.duel.env import DuelGame
from camtf.games.duel.observation import BASIC_WIDTH, BUFF_FIELDS, BUFF_KINDS, MASK_WIDTH, MOVEMENT_COUNT, SKILL_COUNT
from camtf.games.duel.roster import Roster, load_roster
from camtf.games.protocol import Bot
from camtf.types import Observation

try:
    import gymnasium
    from gymnasium import spaces
    from pettingzoo import ParallelEnv
except ImportError as error:
    raise ImportError(f"camtf.games.adapters needs {error.name}; install camtf[pettingzoo]") from error

AGENTS = ("player_0", "player_1")
ILLEGAL = ("nothing", "refuse")


def observation_space(roster: Roster) -> spaces.Dict:
    """The four modules, and the mask of both heads in the form in which ``MultiDiscrete.sample`` takes it."""
    width = roster.element_module.shape[1]
    return spaces.Dict(
        {
            "basic": spaces.Box(-1.0, 1.0, (BASIC_WIDTH,), np.float32),
            "buff": spaces.Box(0.0, 1.0, (2, BUFF_KINDS, len(BUFF_FIELDS)), np.float32),
            "element": spaces.Box(-1000, 1000, (2, width), np.int32),
            "mask": spaces.Box(0.0, 1.0, (MASK_WIDTH,), np.float32),
            "action_mask": spaces.Tuple((spaces.MultiBinary(MOVEMENT_COUNT), spaces.MultiBinary(SKILL_COUNT))),
        }
    )


def action_space() -> spaces.MultiDiscrete:
    """Movement and skill."""
    return spaces.MultiDiscrete([MOVEMENT_COUNT, SKILL_COUNT])


class _Match:
    """One match of a `DuelGame` with random or given characters, as dictionaries.

    The game starts a new match when one has ended, so that the observation after the last step is already of the next.
    """

    def __init__(self, roster: Roster | None, characters: tuple[str, str] | None, illegal: str) -> None:
        if illegal not in ILLEGAL:
            raise ValueError(f"illegal must be one of {', '.join(ILLEGAL)}; got {illegal!r}")
        self.roster = roster or load_roster()
        self.characters = characters
        self.illegal = illegal
        self.rng = np.random.default_rng()
        self.running = False

    def reset(self, seed: int | None, characters: tuple[str, str] | None) -> None:
        """Start a match; with a seed, the same one for the same seed."""
        if seed is not None:
            self.rng = np.random.default_rng(seed)
        chosen = characters or self.characters
        indices = [self.roster.index(i) for i in chosen] if chosen else self.rng.integers(0, len(self.roster), 2)
        self.game = DuelGame(self.roster, 1, int(self.rng.integers(1 << 31)))
        self.observation = self.game.reset(np.array(indices).reshape(2, 1))
        self.running = True

    def see(self, player: int) -> dict[str, Any]:
        """What a player sees, a copy."""
        modules = {name: x[player, 0].copy() for name, x in self.observation._asdict().items()}
        legal = modules["mask"][: MOVEMENT_COUNT + SKILL_COUNT].astype(np.int8)
        return {**modules, "action_mask": (legal[:MOVEMENT_COUNT], legal[MOVEMENT_COUNT:])}

    def step(self, choices: Sequence[Any]) -> tuple[np.ndarray, bool, float]:
        """Play one decision of both. Returns rewards ``[P]``, whether it was the last, the outcome.

        Raises ValueError on what is not in `action_space`, RuntimeError where no match is running.
        """
        if not self.running:
            raise RuntimeError("no match is running: call reset() first")
        actions = np.stack([self._checked(player, choice) for player, choice in enumerate(choices)])[:, None]
        if self.illegal == "nothing":
            heads = self.observation.mask[..., :MOVEMENT_COUNT], self.observation.mask[..., MOVEMENT_COUNT:]
            legal = np.stack([np.take_along_axis(h, actions[..., [i]], -1)[..., 0] for i, h in enumerate(heads)], -1)
            actions = np.where(legal > 0, actions, 0)
        self.observation, step = self.game.step(actions)
        self.running = not step.done[0]
        return step.reward[:, 0], bool(step.done[0]), float(step.outcome[0])

    @staticmethod
    def _checked(player: int, choice: Any) -> np.ndarray:
        action = np.asarray(choice)
        whole = action.shape == (2,) and np.issubdtype(action.dtype, np.integer)
        if not whole or not (0 <= action[0] < MOVEMENT_COUNT and 0 <= action[1] < SKILL_COUNT):
            raise ValueError(
                f"player {player}: an action is two whole numbers, movement 0 to {MOVEMENT_COUNT - 1} and skill "
                f"0 to {SKILL_COUNT - 1}; got {choice!r}"
            )
        return action.astype(np.int32)

    def uniforms(self) -> np.ndarray:
        """One row of a bot's chance, float32 ``[1, M + K]`` in (0, 1)."""
        bits = self.rng.integers(1 << 23, size=(1, MOVEMENT_COUNT + SKILL_COUNT))
        return ((bits + 0.5) * 2.0**-23).astype(np.float32)

    def characters_now(self) -> tuple[str, str]:
        """Ids of both characters."""
        first, second = (self.roster.ids[int(c)] for c in self.game.fighters["character"][:, 0])
        return first, second


class DuelParallelEnv(ParallelEnv):
    """Both players at once, by PettingZoo's parallel interface.

    Agents ``player_0`` and ``player_1``; observations and actions as `observation_space` and `action_space`. A match
    ends by knock-out or by the bell, which has a result too: both are terminations, nothing is ever truncated. The
    last observation belongs to the next match, which nobody plays. ``reset(options={"characters": (id, id)})`` says
    who fights.

    Args:
        roster: the roster that camtf brings where None.
        characters: ids of both characters; random ones in every match where None.
        illegal: what an action does that the mask forbids: "nothing" (that head does nothing) or "refuse" (ValueError).
    """

    metadata: ClassVar[dict[str, Any]] = {"name": "camtf_duel_v1", "render_modes": []}

    def __init__(
        self, roster: Roster | None = None, characters: tuple[str, str] | None = None, illegal: str = "nothing"
    ) -> None:
        self._match = _Match(roster, characters, illegal)
        self.possible_agents = list(AGENTS)
        self.agents: list[str] = []
        self.render_mode = None
        self.observation_spaces = {agent: observation_space(self._match.roster) for agent in AGENTS}
        self.action_spaces = {agent: action_space() for agent in AGENTS}

    def observation_space(self, agent: str) -> spaces.Dict:
        """The agent's observation space, always the same object."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.MultiDiscrete:
        """The agent's action space, always the same object."""
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[dict, dict]:
        """Start a match. Raises RosterError on an unknown character."""
        self._match.reset(seed, (options or {}).get("characters"))
        self.agents = list(AGENTS)
        return self._see(), {agent: {} for agent in AGENTS}

    def step(self, actions: dict[str, Any]) -> tuple[dict, dict, dict, dict, dict]:
        """Play one decision (3 ticks) of both.

        Raises ValueError on actions that are not in `action_space`, RuntimeError before `reset` and after the end.
        """
        if set(actions) != set(AGENTS):
            raise ValueError(f"actions must name {' and '.join(AGENTS)}; got {list(actions)}")
        rewards, done, outcome = self._match.step([actions[agent] for agent in AGENTS])
        self.agents = [] if done else list(AGENTS)
        outcomes = (outcome, 1.0 - outcome)
        infos = {agent: {"outcome": o} if done else {} for agent, o in zip(AGENTS, outcomes, strict=True)}
        return (
            self._see(),
            {agent: float(r) for agent, r in zip(AGENTS, rewards, strict=True)},
            dict.fromkeys(AGENTS, done),
            dict.fromkeys(AGENTS, False),
            infos,
        )

    def _see(self) -> dict[str, dict[str, Any]]:
        return {agent: self._match.see(player) for player, agent in enumerate(AGENTS)}


class DuelEnv(gymnasium.Env):
    """One player against a bot, by Gymnasium's interface. Arguments and end as `DuelParallelEnv`.

    Args:
        opponent: a name of `camtf.games.duel.bots.BOTS`, or another `camtf.games.protocol.Bot` of the duel.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": []}

    def __init__(
        self,
        opponent: str | Bot = "rusher",
        roster: Roster | None = None,
        characters: tuple[str, str] | None = None,
        illegal: str = "nothing",
    ) -> None:
        if isinstance(opponent, str) and opponent not in BOTS:
            raise ValueError(f"opponent must be one of {', '.join(BOTS)} or a function; got {opponent!r}")
        self._opponent: Bot = BOTS[opponent] if isinstance(opponent, str) else opponent
        self._match = _Match(roster, characters, illegal)
        self.observation_space = observation_space(self._match.roster)
        self.action_space = action_space()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[dict, dict]:
        """Start a match. Raises RosterError on an unknown character."""
        super().reset(seed=seed)
        self._match.reset(seed, (options or {}).get("characters"))
        return self._match.see(0), {"characters": self._match.characters_now()}

    def step(self, action: Any) -> tuple[dict, float, bool, bool, dict]:
        """Play one decision against the bot. Raises as `DuelParallelEnv.step`."""
        if not self._match.running:
            raise RuntimeError("no match is running: call reset() first")
        seen = Observation(*(x[1] for x in self._match.observation))
        answer = self._opponent(self._match.game, 1, seen, self._match.uniforms())[0]
        rewards, done, outcome = self._match.step([action, answer])
        return self._match.see(0), float(rewards[0]), done, False, {"outcome": outcome} if done else {}
