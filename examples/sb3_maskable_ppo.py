"""sb3-contrib's MaskablePPO against a bot: ``python examples/sb3_maskable_ppo.py`` (1 million decisions).

Needs camtf[gymnasium] and sb3-contrib (examples/requirements.txt). One match goes in without further ado:
    MaskablePPO("MlpPolicy", gymnasium.make("camtf/Duel-v0", opponent="rusher", observation="flat")).learn(100_000)
`Matches` plays many at once, in one compiled step, as a vector environment of Stable-Baselines3.
"""

import argparse
import collections
from typing import Any

import gymnasium
import numpy as np
from sb3_contrib import MaskablePPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecEnv

import camtf  # noqa: F401  (Gymnasium then knows the duel)


class Matches(VecEnv):
    """``camtf/Duel-v0`` as a vector environment of Stable-Baselines3."""

    def __init__(self, matches: int, **arguments: Any) -> None:
        wished = {"observation": "flat", "autoreset_mode": "SameStep", "staggered": True, **arguments}
        self.envs = gymnasium.make_vec("camtf/Duel-v0", matches, **wished).unwrapped
        super().__init__(matches, self.envs.single_observation_space, self.envs.single_action_space)

    def reset(self) -> np.ndarray:
        return self.envs.reset(seed=1)[0]

    def step_async(self, actions: np.ndarray) -> None:
        self.actions = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict]]:
        seen, rewards, ended, _, info = self.envs.step(self.actions)
        told: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for i in np.flatnonzero(ended):
            told[i] = {"terminal_observation": info["final_obs"][i], "outcome": info["final_info"]["outcome"][i]}
        return seen, rewards.astype(np.float32), ended, told

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        return list(self.envs.call(method_name))

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [getattr(self.envs, attr_name)] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        setattr(self.envs, attr_name, value)

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        return [False] * self.num_envs

    def close(self) -> None: ...


class Wins(BaseCallback):
    """Prints, after every rollout, how many of the last 500 matches were won."""

    def _on_training_start(self) -> None:
        self.outcomes = collections.deque[float](maxlen=500)

    def _on_step(self) -> bool:
        self.outcomes.extend(told["outcome"] for told in self.locals["infos"] if "outcome" in told)
        return True

    def _on_rollout_end(self) -> None:
        won = 100 * self.outcomes.count(1.0) / max(len(self.outcomes), 1)
        print(f"{self.num_timesteps} steps: {won:.0f} % of {len(self.outcomes)} matches won", flush=True)


parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=1_000_000, help="decisions to train for")
parser.add_argument("--matches", type=int, default=256, help="matches at a time")
parser.add_argument("--opponent", default="rusher")
args = parser.parse_args()
matches = Matches(args.matches, opponent=args.opponent, characters=("ember_fox", "iron_bull"))
model = MaskablePPO("MlpPolicy", matches, n_steps=64, batch_size=2048, n_epochs=4, learning_rate=5e-4, seed=1)
model.learn(args.steps, callback=Wins())
