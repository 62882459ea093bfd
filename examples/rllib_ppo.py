"""RLlib's PPO with masked actions against a bot: ``python examples/rllib_ppo.py`` (300 thousand decisions).

Needs camtf[gymnasium] and Ray (examples/requirements-rllib.txt). ``camtf:`` in the name lets every worker import camtf.
"""

import argparse
import logging
from typing import Any

import ray
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.examples.rl_modules.classes.action_masking_rlm import ActionMaskingTorchRLModule

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--steps", type=int, default=300_000, help="decisions to train for")
parser.add_argument("--matches", type=int, default=64, help="matches at a time")
parser.add_argument("--opponent", default="rusher")
parser.add_argument("--workers", type=int, default=0, help="processes that play; 0: the one that learns does")
args = parser.parse_args()
NETWORK = {"fcnet_hiddens": [256, 128], "fcnet_activation": "relu"}


def count(episode: Any, metrics_logger: Any, **rest: Any) -> None:
    """What RLlib calls when a match has ended."""
    metrics_logger.log_value("won", int(episode.get_infos(-1)["outcome"] == 1.0), reduce="sum")
    metrics_logger.log_value("matches", 1, reduce="sum")


config = (
    PPOConfig()
    .environment(
        "camtf:camtf/Duel-v0",
        env_config={
            "opponent": args.opponent,
            "characters": ("ember_fox", "iron_bull"),
            "observation": "rllib",
            "staggered": True,
        },
    )
    .env_runners(
        num_env_runners=args.workers,
        num_envs_per_env_runner=args.matches,
        gym_env_vectorize_mode="vector_entry_point",  # all matches in one compiled step
        rollout_fragment_length=32,
    )
    .rl_module(rl_module_spec=RLModuleSpec(module_class=ActionMaskingTorchRLModule, model_config=NETWORK))
    .training(train_batch_size_per_learner=4096, minibatch_size=1024, num_epochs=3, lr=5e-4, entropy_coeff=0.01)
    .callbacks(on_episode_end=count)
)
ray.init(include_dashboard=False, logging_level=logging.WARNING)
algorithm = config.build_algo()
steps = 0
while steps < args.steps:
    played = algorithm.train()["env_runners"]
    steps, matches = int(played["num_env_steps_sampled_lifetime"]), int(played.get("matches", 0))
    print(f"{steps} steps: {100 * played.get('won', 0) / max(matches, 1):.0f} % of {matches} matches won", flush=True)
algorithm.stop()
ray.shutdown()
