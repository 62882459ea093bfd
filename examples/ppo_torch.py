"""PPO in one file, against a bot: ``python examples/ppo_torch.py`` (2 million decisions).

Needs camtf[gymnasium] and PyTorch (examples/requirements.txt).
"""

import argparse
import collections
import time

import gymnasium
import torch
from torch import nn
from torch.distributions import Categorical

import camtf  # noqa: F401  (Gymnasium then knows the duel)

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--steps", type=int, default=2_000_000, help="decisions to train for")
parser.add_argument("--matches", type=int, default=256, help="matches at a time")
parser.add_argument("--opponent", default="rusher")
parser.add_argument("--seed", type=int, default=1)
args = parser.parse_args()
UNROLL, EPOCHS, MINIBATCHES, DISCOUNT, LAMBDA, CLIP, ENTROPY = 32, 3, 4, 0.99, 0.95, 0.2, 0.01

torch.manual_seed(args.seed)
envs = gymnasium.make_vec(
    "camtf/Duel-v0", args.matches, opponent=args.opponent, characters=("ember_fox", "iron_bull"),
    observation="flat", autoreset_mode="SameStep", staggered=True,
)  # fmt: skip
width, heads = envs.single_observation_space.shape[0], envs.single_action_space.nvec.tolist()
network = nn.Sequential(
    nn.Linear(width, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, sum(heads) + 1)
)
optimiser = torch.optim.Adam(network.parameters(), lr=5e-4)


def policy(seen: torch.Tensor) -> tuple[list[Categorical], torch.Tensor]:
    """Both heads over what is legal, which a flat observation ends with, and the value."""
    out = network(seen)
    logits = out[..., :-1].masked_fill(seen[..., -sum(heads) :] == 0, -1e9)
    return [Categorical(logits=part) for part in logits.split(heads, dim=-1)], out[..., -1]


seen = torch.as_tensor(envs.reset(seed=args.seed)[0])
began, steps, outcomes = time.perf_counter(), 0, collections.deque(maxlen=500)
while steps < args.steps:
    rows = []
    for _ in range(UNROLL):
        with torch.no_grad():
            chances, value = policy(seen)
        action = torch.stack([chance.sample() for chance in chances], dim=-1)
        log_prob = sum(chance.log_prob(a) for chance, a in zip(chances, action.unbind(-1)))
        following, reward, ended, _, info = envs.step(action.numpy())
        outcomes.extend(info["final_info"]["outcome"][ended] if ended.any() else [])
        reward, going_on = (torch.as_tensor(part, dtype=torch.float32) for part in (0.1 * reward, ~ended))
        rows.append((seen, action, log_prob, value, reward, going_on))
        seen, steps = torch.as_tensor(following), steps + args.matches
    observation, action, log_prob, value, reward, going_on = (torch.stack(part) for part in zip(*rows))
    with torch.no_grad():
        next_value, advantage = policy(seen)[1], torch.zeros_like(reward)
    for t in reversed(range(UNROLL)):  # generalised advantage estimation
        error = reward[t] + DISCOUNT * next_value * going_on[t] - value[t]
        later = advantage[t + 1] if t + 1 < UNROLL else 0.0
        advantage[t], next_value = error + DISCOUNT * LAMBDA * going_on[t] * later, value[t]
    batch = [part.flatten(0, 1) for part in (observation, action, log_prob, advantage, advantage + value)]
    for part in (p for _ in range(EPOCHS) for p in torch.randperm(len(batch[0])).chunk(MINIBATCHES)):
        o, a, old, gain, target = (x[part] for x in batch)
        chances, v = policy(o)
        ratio = (sum(chance.log_prob(x) for chance, x in zip(chances, a.unbind(-1))) - old).exp()
        gain = (gain - gain.mean()) / (gain.std() + 1e-8)
        surrogate = torch.min(ratio * gain, ratio.clamp(1 - CLIP, 1 + CLIP) * gain).mean()
        entropy = sum(chance.entropy() for chance in chances).mean()
        optimiser.zero_grad()
        (0.5 * (v - target).pow(2).mean() - surrogate - ENTROPY * entropy).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 0.5)
        optimiser.step()
    won, rate = 100 * outcomes.count(1.0) / max(len(outcomes), 1), steps / (time.perf_counter() - began)
    print(f"{steps} steps, {rate:,.0f} a second: {won:.0f} % of {len(outcomes)} matches won", flush=True)
