"""Configuration: nested frozen dataclasses, checked when they are made. Each default is written once, here.

Every field carries its meaning, its unit and its bounds, from which both the checks and the command line's flags
are made (`camtf.train`).
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from camtf.settings import MOST_FRAMES, MOST_UPDATES, Checked, ConfigError, nearest, quoted, setting
from camtf.specialist_config import ROW_SOLVERS, SpecialistConfig

MOST_SEED = (1 << 31) - 1


@dataclass(frozen=True)
class RewardConfig(Checked):
    """Weights of the reward, r = payoff - opponent's payoff (CAM 13.1). The mean of both health weights counts."""

    own_health: float = setting(10.0, "weight of the change in own health, per full bar", 0.0, 1e4)
    opponent_health: float = setting(10.0, "weight of the change in the opponent's health, per full bar", 0.0, 1e4)
    result: float = setting(10.0, "reward of a won battle; a lost one has its negative, a draw 0", 0.0, 1e4)
    combo: float = setting(5.0, "weight of combo hits, per 50 (and at most 50 count in a battle)", 0.0, 1e4)
    mana: float = setting(5.0, "weight of the change in mana, per full bar", 0.0, 1e4)


@dataclass(frozen=True)
class GameConfig(Checked):
    """Which matches are played."""

    name: str = setting(
        "",
        "the game: empty or duel, or module:attribute, a Game, or a function of the Config, or module:function(3, ...)",
    )
    roster: str = setting(
        "", "folder with characters.toml and loadout.toml; empty: the roster that camtf brings", fixed=False
    )  # what it holds is fixed: a run keeps its digest
    characters: tuple[str, ...] = setting(
        (), "ids of the characters that take part; empty: all that are not held out", items=str, most=4096
    )
    input_delay_ticks: int = setting(0, "ticks from choice to start", 0, 8)
    matches: int = setting(256, "matches played at the same time, shared evenly by the ranks", 1, 1 << 20)

    def __post_init__(self) -> None:
        super().__post_init__()
        twice = [name for name, times in Counter(self.characters).items() if times > 1]
        if twice:
            raise ConfigError(f"GameConfig.characters must name each character once, got {quoted(twice[0])} twice")


@dataclass(frozen=True)
class NetworkConfig(Checked):
    """The network and its sizes. The default, of four modules, has at least 60,000 parameters, and widths with which
    the trunk's input is a multiple of 16, as many numbers as a processor multiplies at once."""

    name: str = setting(
        "",
        "the network: empty for the four modules, or module:attribute, a function of NetworkConfig, GameSpec and seed",
    )
    embedding: int = setting(8, "width of the embedding of each id in the Element module", 1, 256)
    fighter_filters: int = setting(48, "Conv1D filters over the two fighters and their projectiles (Basic)", 1, 1024)
    history_filters: int = setting(32, "Conv1D filters over the last actions (Basic)", 1, 1024)
    buff_filters: int = setting(16, "Conv1D filters over the two players' buff slots (Buff)", 1, 1024)
    element_filters: int = setting(16, "Conv1D filters over the two players' equipment (Element)", 1, 1024)
    mask_units: int = setting(10, "units of the Action-Mask module", 1, 1024)
    mixture_slots: int = setting(
        16, "S, slots of the opponent mixture: the most generations that a run can have", 1, 256
    )
    trunk: tuple[int, ...] = setting(
        (128, 128), "widths of the trunk's layers, where the modules meet", 1, 8192, items=int, most=16
    )


@dataclass(frozen=True)
class PPOConfig(Checked):
    """Proximal policy optimisation (Schulman et al. 2017). Advantages are normalised over the segments of all ranks."""

    segment: int = setting(100, "T, decisions of a rollout segment (n-step)", 2, 10_000)
    discount: float = setting(0.995, "discount factor per decision", 0.0, 1.0)
    gae_lambda: float = setting(0.95, "lambda of generalised advantage estimation; 1 gives the n-step return", 0.0, 1.0)
    reward_scale: float = setting(0.1, "factor on every reward before it is learned from", 1e-6, 1e3)
    clip_epsilon: float = setting(0.1, "half-width of the range that the probability ratio is clipped to", 1e-6, 1.0)
    epochs: int = setting(3, "passes over each segment", 1, 100)
    minibatches: int = setting(4, "minibatches of a pass; divides the segment length", 1, 10_000)
    learning_rate: float = setting(1e-4, "Adam's step size", 0.0, 1.0)
    final_learning_rate: float = setting(
        1.0, "share of the step size that is left at the end of a phase; it falls linearly", 0.0, 1.0
    )
    entropy_cost: float = setting(0.01, "weight of the entropy bonus", 0.0, 1e3)
    final_entropy_cost: float = setting(
        1.0, "share of the entropy bonus that is left at the end of a phase; it falls linearly", 0.0, 1.0
    )
    value_cost: float = setting(0.5, "weight of the value loss", 0.0, 1e3)
    value_clip: float = setting(0.0, "half-width of the value clip, in scaled reward; 0: none", 0.0, 1e6)
    target_kl: float = setting(0.0, "no further pass over a segment once the mean KL exceeds this; 0: never", 0.0, 1e3)
    gradient_norm: float = setting(0.5, "gradients are clipped to this global norm", 1e-6, 1e6)
    mode: str = setting(
        "synchronous",
        "synchronous: play, then learn; impala: play the next segment by the policy of one update ago while learning, "
        "corrected by V-trace",
        choices=("synchronous", "impala"),
    )
    rho_clip: float = setting(1.0, "V-trace: bound of the importance weight in the targets", 1e-6, 1e6)
    c_clip: float = setting(1.0, "V-trace: bound of the weight that carries a surprise back in time", 1e-6, 1e6)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.segment % self.minibatches:
            divisors = [d for d in range(1, self.segment + 1) if self.segment % d == 0]
            raise ConfigError(
                f"PPOConfig.minibatches must divide PPOConfig.segment = {self.segment}, got {self.minibatches}; "
                f"{nearest(self.minibatches, divisors)} would"
            )


ALGORITHMS = ("mia", "neupl", "simplex_neupl", "psro", "psro_c", "independent")
"""How stage 1 can train a population: see `camtf.algorithms`."""

_SQUARE_SOLVERS = ("nash", "uniform", "self_play", "alpha_rank", "prd")
META_STRATEGIES = {
    "mia": ROW_SOLVERS,
    "neupl": _SQUARE_SOLVERS,
    "simplex_neupl": _SQUARE_SOLVERS,
    "psro": _SQUARE_SOLVERS,
    "psro_c": _SQUARE_SOLVERS,
    "independent": ROW_SOLVERS,
}
"""The meta-strategy solvers F that fit an algorithm, its default first."""


@dataclass(frozen=True)
class GeneralistConfig(Checked):
    """Stage 1: the population. Every algorithm learns from ``generations * frames`` learner frames."""

    algorithm: str = setting("mia", "how the population is trained", choices=ALGORITHMS)
    generations: int = setting(
        3, "generations of mia, iterations of psro, rounds of independent; of neupl only the frames count", 1, 256
    )
    frames: int = setting(2_000_000, "learner frames of each generation, over all ranks", 1, MOST_FRAMES)
    meta_strategy: str = setting(
        "",
        "meta-strategy solver F that weighs the opponents; empty: the algorithm's own (nash, or pfsp for mia and "
        "independent)",
        choices=("", *dict.fromkeys((*ROW_SOLVERS, *_SQUARE_SOLVERS))),
    )
    self_play_share: float = setting(
        0.5, "mia: share of matches against the learner itself; the rest: earlier generations", 0.0, 1.0
    )
    slots: int = setting(8, "neupl: strategy slots of the one network, the uniform sink among them", 2, 256)
    evaluation_share: float = setting(
        0.3125, "neupl: share of matches between uniform pairs, only counted (5 / 16 suits 16 ranks)", 0.0, 0.9
    )
    solve_updates: int = setting(10, "neupl: updates between two solutions of the graph", 1, 100_000)
    settling: float = setting(
        0.0,
        "neupl: last part of the training in which the graph is not solved again, so that rows come to rest",
        0.0,
        1.0,
    )
    accept_margin: float = setting(
        0.02, "neupl: by how much a slot must surely beat its mixture to be accepted", 0.0, 0.5
    )
    any_mixture: float = setting(0.5, "simplex_neupl: share of episodes with a mixture from the simplex", 0.0, 1.0)
    belief: bool = setting(
        False, "neupl: the learner is told the exact posterior over its opponent's strategy in place of its mixture"
    )
    mutual_information: float = setting(
        0.0, "mia: weight of the mutual information between both players' actions, which is made larger", 0.0, 1e3
    )
    payoff_decay: float = setting(0.98, "factor on the weight of every counted battle at each update", 0.5, 1.0)
    measured_games: int = setting(
        400, "battles that measure the win rate between two finished strategies", 1, 1_000_000
    )
    epsilon: float = setting(
        0.0, "mia: converged when the newest generation wins no more than 50% and this part against the one before it;"
        " 0: never before all generations (the papers: 0.076)", 0.0, 0.5,
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        allowed = META_STRATEGIES[self.algorithm]
        if self.meta_strategy and self.meta_strategy not in allowed:
            raise ConfigError(
                f"GeneralistConfig.meta_strategy must be one of {', '.join(allowed)} with the algorithm "
                f"{self.algorithm}; got {self.meta_strategy!r}"
            )


@dataclass(frozen=True)
class EvaluationConfig(Checked):
    """What is measured after training, and while it goes on."""

    games: int = setting(200, "battles per pairing of two characters", 1, 100_000, fixed=False)
    bot_games: int = setting(400, "battles of each character against each scripted bot", 1, 1_000_000, fixed=False)
    yardstick_updates: int = setting(
        0, "updates between two periodic evaluations against the scripted bots; 0: none", 0, MOST_UPDATES, fixed=False
    )
    yardstick_games: int = setting(64, "battles against each bot in a periodic evaluation", 1, 1_000_000, fixed=False)


@dataclass(frozen=True)
class Config(Checked):
    """A whole run."""

    seed: int = setting(1, "one seed: weights, starts, matchmaking, action noise, minibatches", 0, MOST_SEED)
    checkpoint_updates: int = setting(20, "updates between two checkpoints", 1, MOST_UPDATES, fixed=False)
    checkpoints_kept: int = setting(2, "checkpoints of a phase under way that are kept", 1, 1000, fixed=False)
    histogram_updates: int = setting(
        50,
        "updates between two histograms of all weights, and two pictures of the graph, in TensorBoard; 0: none",
        0,
        MOST_UPDATES,
        fixed=False,
    )
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
        if self.generalists.algorithm.endswith("neupl") and self.generalists.slots > self.network.mixture_slots:
            raise ConfigError(
                f"GeneralistConfig.slots must not exceed NetworkConfig.mixture_slots = {self.network.mixture_slots}, "
                f"got {self.generalists.slots}"
            )
        shared = "matched" in self.specialists.controls or self.specialists.clusters.count
        if shared and self.generalists.algorithm == "independent":
            raise ConfigError(
                "SpecialistConfig.controls = matched and SpecialistConfig.clusters need a Generalist that plays every "
                "character; GeneralistConfig.algorithm = independent leaves one network for each "
                "(--specialists.controls= --specialists.clusters.count=0 go with it)"
            )


_SIX = ("ember_fox", "gale_archer", "iron_bull", "tide_monk", "storm_lancer", "thorn_witch")
_FAST_PPO = PPOConfig(
    discount=0.998,
    gae_lambda=0.98,
    learning_rate=1e-3,
    final_learning_rate=0.2,
    epochs=3,
    minibatches=20,
    clip_epsilon=0.2,
    entropy_cost=0.01,
)

PRESETS: dict[str, Config] = {
    "quickstart": Config(
        checkpoint_updates=10,
        game=GameConfig(matches=512, characters=_SIX),
        ppo=_FAST_PPO,
        generalists=GeneralistConfig(generations=3, frames=4_500_000),
        specialists=SpecialistConfig(frames=1_200_000, groups=2, opponents=0, controls=("matched",)),
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
        raise ConfigError(f"unknown preset {quoted(name)}; the presets are {', '.join(PRESETS)}")
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
            raise ConfigError(f"unknown setting {quoted(name)}; the settings are {', '.join(sorted(known))}")
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
