"""Configuration of stage 2, the Specialists: a part of `camtf.config.Config`."""

from __future__ import annotations

from dataclasses import dataclass

from camtf.settings import MOST_FRAMES, MOST_UPDATES, Checked, ConfigError, setting

ROW_SOLVERS = ("pfsp", "pfsp_hard", "pfsp_even", "uniform")
"""Meta-strategy solvers F that weigh the opponents of one learner."""


@dataclass(frozen=True)
class ConvergenceConfig(Checked):
    """When a Specialist has learned what there is to learn."""

    gain: float = setting(
        0.0, "converged when the gain in win rate since the evaluation before is surely below this, three evaluations "
        "in a row; 0: never before all frames are used up, and nothing is evaluated", 0.0, 1.0,
    )  # fmt: skip
    updates: int = setting(20, "updates between two evaluations", 1, MOST_UPDATES)
    games: int = setting(
        1_000, "battles of an evaluation, the same ones each time, against all opponents uniformly", 2, 1_000_000
    )


@dataclass(frozen=True)
class ClusterConfig(Checked):
    """Specialists that share: one for several characters that are like each other."""

    count: int = setting(0, "clusters, and so Specialists; 0: one for each character", 0, 4096)
    by: str = setting(
        "payoffs",
        "payoffs: what the Generalist wins as each character against each; actions: how often it does what",
        choices=("payoffs", "actions"),
    )
    games: int = setting(20, "battles of each pairing of two characters that show it", 1, 100_000)


ADVANTAGES = ("cam", "own_critic", "residual")
CONTROLS = ("matched", "own_critic")
"""What can be trained beside the Specialists to compare them with, see `camtf.algorithms.controls`."""


@dataclass(frozen=True)
class SpecialistConfig(Checked):
    """Stage 2: one network per character, copied from the last Generalist and trained against it frozen."""

    frames: int = setting(1_000_000, "learner frames of each Specialist in a round, over all ranks", 1, MOST_FRAMES)
    rounds: int = setting(
        1, "after each, all of its Specialists become opponents of the next together; fewer where they converge", 1, 256
    )
    groups: int = setting(
        1,
        "groups of ranks that train different Specialists at the same time; fewer where the ranks cannot be shared",
        1,
        1024,
        fixed=False,
    )
    learning_rate: float = setting(3e-4, "Adam's step size, in place of that of the Generalists", 0.0, 1.0)
    entropy_cost: float = setting(
        -1.0, "weight of the entropy bonus, in place of that of the Generalists; -1: theirs", -1.0, 1e3
    )
    keep_optimizer: bool = setting(False, "begin with the Generalist's moments of Adam; else with none")
    advantage: str = setting(
        "cam",
        "cam: against the frozen Generalist's value; own_critic: plain PPO; residual: the critic is the Generalist's "
        "value and what the Specialist learns to add to it",
        choices=ADVANTAGES,
    )
    mutual_information: float = setting(
        0.0, "weight of the mutual information between a Specialist's actions and its opponents'; is made smaller", 0.0,
        1e3,
    )  # fmt: skip
    generalist_kl: float = setting(
        0.0, "weight of the divergence from the Generalist; falls linearly to 0 over the first round", 0.0, 1e3
    )
    opponents: int = setting(
        1, "how many of the latest strategies of the Generalists are in the opponent pool; 0: all of them", 0, 256
    )
    meta_strategy: str = setting("pfsp", "meta-strategy solver F that weighs the opponents", choices=ROW_SOLVERS)
    self_play_share: float = setting(
        0.0, "share of matches against the Specialist itself, as its own character", 0.0, 1.0
    )
    controls: tuple[str, ...] = setting(
        (),
        "what is trained beside them for comparison, with as many frames",
        choices=CONTROLS,
        items=str,
        most=2,
        fixed=False,
    )
    convergence: ConvergenceConfig = ConvergenceConfig()
    clusters: ClusterConfig = ClusterConfig()

    def __post_init__(self) -> None:
        super().__post_init__()
        if -1.0 < self.entropy_cost < 0.0:
            raise ConfigError(f"SpecialistConfig.entropy_cost must be -1 or at least 0, got {self.entropy_cost}")
