"""Configuration: nested frozen dataclasses, checked when they are made. Each default is written once, here.

Every field carries its meaning, its unit and its bounds, from which both the checks and the command line's flags
are made (`camtf.train`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any


class ConfigError(ValueError):
    """A configuration value is not allowed. Names field, value and what is allowed."""


def _setting(
    default: Any, help: str, low: float | None = None, high: float | None = None, choices: tuple[str, ...] = ()
) -> Any:
    return field(default=default, metadata={"help": help, "low": low, "high": high, "choices": choices})


class _Checked:
    """Checks every field of a config against its declared type and bounds."""

    def __post_init__(self) -> None:
        for f in fields(self):  # type: ignore[arg-type]
            if f.metadata:
                _check(type(self).__name__, f, getattr(self, f.name))


def _check(owner: str, f: dataclasses.Field[Any], value: Any) -> None:
    where = f"{owner}.{f.name}"
    expected = type(f.default)
    if expected is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not expected:
        raise ConfigError(f"{where} must be of type {expected.__name__}, got {value!r}")
    if f.metadata["choices"] and value not in f.metadata["choices"]:
        raise ConfigError(f"{where} must be one of {', '.join(f.metadata['choices'])}; got {value!r}")
    low, high = f.metadata["low"], f.metadata["high"]
    numbers = value if isinstance(value, tuple) else (value,)
    for number in numbers:
        if isinstance(number, (int, float)) and not (
            (low is None or number >= low) and (high is None or number <= high)
        ):
            bounds = f"[{'-inf' if low is None else low}, {'inf' if high is None else high}]"
            raise ConfigError(f"{where} must be in {bounds}, got {value!r}")


@dataclass(frozen=True)
class RewardConfig(_Checked):
    """Weights of the reward, r = payoff - opponent's payoff (CAM 13.1). The mean of both health weights counts."""

    own_health: float = _setting(10.0, "weight of the change in own health, per full bar", 0.0)
    opponent_health: float = _setting(10.0, "weight of the change in the opponent's health, per full bar", 0.0)
    result: float = _setting(10.0, "reward of a won battle; a lost one has its negative, a draw 0", 0.0)
    combo: float = _setting(5.0, "weight of combo hits, per 50 (and at most 50 count in a battle)", 0.0)
    mana: float = _setting(5.0, "weight of the change in mana, per full bar", 0.0)


@dataclass(frozen=True)
class GameConfig(_Checked):
    """Which matches are played."""

    roster: str = _setting("", "folder with characters.toml and loadout.toml; empty: the roster that camtf brings")
    characters: tuple[str, ...] = _setting((), "ids of the characters that take part; empty: all that are not held out")
    input_delay_ticks: int = _setting(0, "ticks from a choice to its begin", 0, 8)
    matches: int = _setting(256, "matches at the same time, over all ranks; shared evenly by the ranks", 1, 1 << 20)


@dataclass(frozen=True)
class NetworkConfig(_Checked):
    """Sizes of the four-module network. The default has at least 60,000 parameters, and widths with which the trunk's
    input is a multiple of 16, as many numbers as a processor multiplies at once."""

    embedding: int = _setting(8, "width of the embedding of each id in the Element module", 1, 256)
    fighter_filters: int = _setting(48, "Conv1D filters over the two fighters and their projectiles (Basic)", 1, 1024)
    history_filters: int = _setting(32, "Conv1D filters over the last actions (Basic)", 1, 1024)
    buff_filters: int = _setting(16, "Conv1D filters over the two players' buff slots (Buff)", 1, 1024)
    element_filters: int = _setting(16, "Conv1D filters over the two players' equipment (Element)", 1, 1024)
    mask_units: int = _setting(10, "units of the Action-Mask module", 1, 1024)
    mixture_slots: int = _setting(
        16, "S, slots of the opponent mixture: the most generations that a run can have", 1, 256
    )
    trunk: tuple[int, ...] = _setting((128, 128), "widths of the trunk's layers, where the modules meet", 1, 8192)


@dataclass(frozen=True)
class PPOConfig(_Checked):
    """Proximal policy optimisation (Schulman et al. 2017). Advantages are normalised over the segments of all ranks."""

    segment: int = _setting(100, "T, decisions of a rollout segment (n-step)", 2, 10_000)
    discount: float = _setting(0.995, "discount factor per decision", 0.0, 1.0)
    gae_lambda: float = _setting(
        0.95, "lambda of generalised advantage estimation; 1 gives the n-step return", 0.0, 1.0
    )
    reward_scale: float = _setting(0.1, "factor on every reward before it is learned from", 1e-6)
    clip: float = _setting(0.1, "clip range of the probability ratio", 1e-6, 1.0)
    epochs: int = _setting(3, "passes over each segment", 1, 100)
    minibatches: int = _setting(4, "minibatches of a pass; divides the segment length", 1, 10_000)
    learning_rate: float = _setting(1e-4, "Adam's step size", 0.0, 1.0)
    final_learning_rate: float = _setting(
        1.0, "part of the step size that is left at the end of a phase, to which it falls linearly", 0.0, 1.0
    )
    entropy: float = _setting(0.01, "weight of the entropy bonus", 0.0)
    value: float = _setting(0.5, "weight of the value loss", 0.0)
    value_clip: float = _setting(0.0, "half-width of the value clip, in scaled reward; 0: none", 0.0)
    target_kl: float = _setting(0.0, "no further pass over a segment once the mean KL exceeds this; 0: never", 0.0)
    gradient_norm: float = _setting(0.5, "gradients are clipped to this global norm", 1e-6)
    mode: str = _setting(
        "synchronous",
        "synchronous: play, then learn; impala: play the next segment by the policy of one update ago while learning, "
        "corrected by V-trace",
        choices=("synchronous", "impala"),
    )
    rho_clip: float = _setting(1.0, "V-trace: bound of the importance weight in the targets", 1e-6)
    c_clip: float = _setting(1.0, "V-trace: bound of the weight that carries a surprise back in time", 1e-6)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.segment % self.minibatches:
            raise ConfigError(
                f"PPOConfig.minibatches must divide PPOConfig.segment = {self.segment}, got {self.minibatches}"
            )


@dataclass(frozen=True)
class GeneralistConfig(_Checked):
    """Stage 1: one conditional network for all characters, generation after generation."""

    generations: int = _setting(3, "generations; the first learns by self-play alone", 1, 256)
    frames: int = _setting(2_000_000, "learner frames of each generation, over all ranks", 1)
    self_play_share: float = _setting(
        0.5, "share of matches against the learner itself; the rest: earlier generations", 0.0, 1.0
    )
    solver: str = _setting("exploit", "graph solver F that weighs the opponents", choices=("exploit", "uniform"))


@dataclass(frozen=True)
class SpecialistConfig(_Checked):
    """Stage 2: one network per character, copied from the last Generalist and trained against it frozen."""

    frames: int = _setting(1_000_000, "learner frames of each Specialist, over all ranks", 1)
    learning_rate: float = _setting(3e-4, "Adam's step size, in place of that of the Generalists", 0.0, 1.0)
    groups: int = _setting(
        1, "groups of ranks that train different Specialists at the same time; divides the number of ranks", 1
    )
    advantage: str = _setting(
        "cam", "cam: against the frozen Generalist's value; own_critic: plain PPO", choices=("cam", "own_critic")
    )
    opponents: int = _setting(1, "how many of the latest generations are in the opponent pool", 1, 255)
    solver: str = _setting("exploit", "graph solver F that weighs the opponents", choices=("exploit", "uniform"))


@dataclass(frozen=True)
class EvaluationConfig(_Checked):
    """What is measured after training, and while it goes on."""

    games: int = _setting(200, "battles per pairing of two characters", 1)
    bot_games: int = _setting(400, "battles of each character against each scripted bot", 1)
    yardstick_updates: int = _setting(0, "updates between two looks at the scripted bots while training; 0: none", 0)
    yardstick_games: int = _setting(64, "battles against each bot at such a look", 1)


@dataclass(frozen=True)
class Config(_Checked):
    """A whole run."""

    seed: int = _setting(1, "one seed: weights, starts, matchmaking, action noise, minibatches", 0, (1 << 31) - 1)
    checkpoint_updates: int = _setting(20, "updates between two checkpoints", 1)
    checkpoints_kept: int = _setting(2, "checkpoints of a phase under way that are kept", 1)
    histogram_updates: int = _setting(50, "updates between two histograms of all weights in TensorBoard; 0: none", 0)
    game: GameConfig = GameConfig()
    reward: RewardConfig = RewardConfig()
    network: NetworkConfig = NetworkConfig()
    ppo: PPOConfig = PPOConfig()
    generalists: GeneralistConfig = GeneralistConfig()
    specialists: SpecialistConfig = SpecialistConfig()
    evaluation: EvaluationConfig = EvaluationConfig()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.generalists.generations > self.network.mixture_slots:
            raise ConfigError(
                f"GeneralistConfig.generations must not exceed NetworkConfig.mixture_slots = "
                f"{self.network.mixture_slots}, got {self.generalists.generations}"
            )


_SIX = ("ember_fox", "gale_archer", "iron_bull", "tide_monk", "storm_lancer", "thorn_witch")
_FAST_PPO = PPOConfig(
    discount=0.998,
    gae_lambda=0.98,
    learning_rate=1e-3,
    final_learning_rate=0.2,
    epochs=3,
    minibatches=20,
    clip=0.2,
    entropy=0.01,
)

PRESETS: dict[str, Config] = {
    "quickstart": Config(
        checkpoint_updates=10,
        game=GameConfig(matches=512, characters=_SIX),
        ppo=_FAST_PPO,
        generalists=GeneralistConfig(generations=3, frames=4_500_000),
        specialists=SpecialistConfig(frames=2_000_000, groups=2),
        evaluation=EvaluationConfig(games=100, bot_games=120),
    ),
    "paper": Config(
        game=GameConfig(matches=512),
        ppo=PPOConfig(minibatches=100),
        generalists=GeneralistConfig(generations=13, frames=50_000_000),
        specialists=SpecialistConfig(frames=20_000_000, learning_rate=1e-4),
        evaluation=EvaluationConfig(games=1000, bot_games=1000),
    ),
    "test": Config(
        game=GameConfig(matches=16, characters=("ember_fox", "gale_archer")),
        network=NetworkConfig(trunk=(32,)),
        ppo=dataclasses.replace(_FAST_PPO, segment=20),
        generalists=GeneralistConfig(generations=2, frames=1_200),
        specialists=SpecialistConfig(frames=640),
        evaluation=EvaluationConfig(games=4, bot_games=4),
        checkpoint_updates=1,
    ),
}
"""Whole runs by name. quickstart: minutes on two cores, with a larger step and clip than the papers' because it learns
faster. paper: the papers' own PPO numbers. test: seconds, learns nothing."""


def preset(name: str) -> Config:
    """A preset by name. Raises ConfigError with the known names."""
    if name not in PRESETS:
        raise ConfigError(f"unknown preset {name!r}; the presets are {', '.join(PRESETS)}")
    return PRESETS[name]


def leaves(config: Any, prefix: str = "") -> Iterator[tuple[str, dataclasses.Field[Any], Any]]:
    """Every setting of a config as (dotted name, field, value)."""
    for f in fields(config):
        value = getattr(config, f.name)
        if is_dataclass(value):
            yield from leaves(value, f"{prefix}{f.name}.")
        else:
            yield prefix + f.name, f, value


def override(config: Any, changes: dict[str, Any]) -> Any:
    """A copy of a config with dotted names replaced. Raises ConfigError."""
    known = {name for name, _, _ in leaves(config)}
    for name in changes:
        if name not in known:
            raise ConfigError(f"unknown setting {name!r}; the settings are {', '.join(sorted(known))}")
    own = {name: value for name, value in changes.items() if "." not in name}
    groups = {name.split(".", 1)[0] for name in changes if "." in name}
    for group in groups:
        inner = {name.split(".", 1)[1]: v for name, v in changes.items() if name.startswith(group + ".")}
        own[group] = override(getattr(config, group), inner)
    return dataclasses.replace(config, **own)


def to_json(config: Config) -> dict[str, Any]:
    """Plain nested dictionaries, for `from_json` and for people."""
    return dataclasses.asdict(config)


def from_json(data: dict[str, Any]) -> Config:
    """The config of a run directory. Raises ConfigError."""
    flat: dict[str, Any] = {}

    def flatten(part: dict[str, Any], prefix: str) -> None:
        for name, value in part.items():
            if isinstance(value, dict):
                flatten(value, f"{prefix}{name}.")
            else:
                flat[prefix + name] = tuple(value) if isinstance(value, list) else value

    flatten(data, "")
    return override(Config(), flat)
