"""What a study does, one step after the other. Every step is a command that can also be given by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from camtf.studies.presets import Population, Study

HELD_OUT_SEED = 1_000
"""Added to the seed of a study of one seed: its population is held out, Specialists are not trained from it."""

_LEAST_FRAMES = 1_000
_KINDS = 2
"""The Generalist and the Specialist; controls come beside them."""
_BOTS = 4
_DECISIONS = 1_150
"""Of both players in a battle between trained policies, about."""


@dataclass(frozen=True)
class Step:
    """A command of a study.

    Attributes:
        name: for people, and for the file that says it is done.
        command: what follows ``python -m``.
        on_ranks: it runs under ``horovodrun``.
        frames: learner frames that it trains.
        decisions: that it plays without learning from them, about.
    """

    name: str
    command: tuple[str, ...]
    on_ranks: bool = True
    frames: int = 0
    decisions: int = 0

    def arguments(self, ranks: int) -> list[str]:
        """The whole command line."""
        on_ranks = ["horovodrun", "-np", str(ranks), "--disable-cache"] if self.on_ranks else []
        return [*on_ranks, "python", "-m", *self.command]


@dataclass(frozen=True)
class Plan:
    """A study with its seeds, and where it goes.

    Attributes:
        study: one of `camtf.studies.presets`.
        folder: of all its runs and reports.
        seeds: training seeds.
        scale: factor on all frames and battles.
    """

    study: Study
    folder: Path
    seeds: tuple[int, ...]
    scale: float = 1.0

    def steps(self) -> list[Step]:
        """All of them: populations of all seeds, Specialists, battles, reports."""
        return [*self._populations(), *self._specialists(), *self._evaluations(), *self._reports()]

    def run(self, population: str, seed: int) -> Path:
        """Directory of a run."""
        return self.folder / f"{population}_{seed}"

    @property
    def results(self) -> Path:
        """The file of the results."""
        return self.folder / "results.json"

    def report(self, population: str) -> Path:
        """Folder of a report."""
        return self.folder / f"report_{population}"

    def held_out_seeds(self) -> tuple[int, ...]:
        """Seeds of populations that are trained for others to meet."""
        return () if len(self.seeds) > 1 else (self.seeds[0] + HELD_OUT_SEED,)

    def _populations(self) -> Iterator[Step]:
        for seed in (*self.seeds, *self.held_out_seeds()):
            for name, population in self._trained(seed):
                run = f"--run_dir={self.run(name, seed)}"
                if population.first_of:
                    of = f"--of={self.run(population.first_of, seed)}"
                    copy = ("camtf.studies.first_generations", run, of, f"--generations={population.generations}")
                    yield Step(f"population {name}, seed {seed}", copy, on_ranks=False)
                    continue
                settings = self._settings(name, seed)
                frames = settings["generalists.generations"] * settings["generalists.frames"]
                train = ("camtf.train", "--preset=quickstart", "--stage=generalists", run, *_flags(settings))
                yield Step(f"population {name}, seed {seed}", train, frames=frames)

    def _trained(self, seed: int) -> list[tuple[str, Population]]:
        """The populations of a seed: all; held out only those with Specialists, and what they are made of."""
        populations = self.study.populations
        if seed in self.seeds:
            return list(populations.items())
        needed = {name for p in self.study.specialists for name in (p, populations[p].first_of)}
        return [(name, p) for name, p in populations.items() if name in needed]

    def _specialists(self) -> Iterator[Step]:
        for seed in self.seeds:
            for name in self.study.specialists:
                settings = self._settings(name, seed)
                controls = [c for c in settings["specialists.controls"].split(",") if c]
                frames = settings["specialists.frames"] * self.study.count * (1 + len(controls))
                run = f"--run_dir={self.run(name, seed)}"
                train = ("camtf.train", "--preset=quickstart", "--stage=specialists", run, *_flags(settings))
                yield Step(f"specialists of {name}, seed {seed}", train, frames=frames)

    def _evaluations(self) -> Iterator[Step]:
        s = self.study
        for seed in self.seeds:
            for name, population in s.populations.items():
                wholes = [other for other, p in s.populations.items() if p.first_of == name]
                if name in s.specialists:
                    others = [self.run(name, x) for x in (*self.seeds, *self.held_out_seeds()) if x != seed]
                    others += [self.run(x, seed) for x in s.populations if x not in (name, population.first_of)]
                    yield self._evaluation(name, seed, others, s.exploiters)
                elif wholes:  # what its further generations are worth against the first ones
                    yield self._evaluation(name, seed, [self.run(first, seed) for first in wholes], exploiters=0)

    def _evaluation(self, population: str, seed: int, others: list[Path], exploiters: int) -> Step:
        s = self.study
        games, bot_games = (max(round(self.scale * x), 2) for x in (s.games, s.bot_games))
        frames = self.scaled(s.exploiter_frames)
        command = (
            "camtf.evaluate", f"--run_dir={self.run(population, seed)}", f"--games={games}", f"--bot_games={bot_games}",
            f"--opponents={','.join(map(str, others))}", f"--exploiters={exploiters}", f"--exploiter_frames={frames}",
        )  # fmt: skip
        controls = str(s.specialists.get(population, {}).get("specialists.controls", ""))
        kinds = _KINDS + len(controls.split(",")) if controls else 1
        battles = kinds * (s.count**2 * games * (1 + len(others)) + s.count * _BOTS * bot_games)
        name = f"battles of {population}, seed {seed}"
        return Step(name, command, frames=exploiters * frames, decisions=battles * _DECISIONS)

    def _reports(self) -> Iterator[Step]:
        for name in self.study.specialists:
            rest = [other for other in self.study.specialists if other != name]
            runs = ",".join(str(self.run(p, seed)) for p in (name, *rest) for seed in self.seeds)
            report = ("camtf.report", f"--run_dir={runs}", f"--out_dir={self.report(name)}")
            yield Step(f"report of {name}", report, on_ranks=False)

    def _settings(self, population: str, seed: int) -> dict[str, Any]:
        """Of a run, both stages."""
        p = self.study.populations[population]
        stage_1 = dict(self.study.populations[p.first_of].settings if p.first_of else p.settings)
        if p.first_of:
            stage_1["generalists.generations"] = p.generations
        settings = {
            "seed": seed,
            "game.characters": ",".join(self.study.participants()),
            **self.study.settings,
            **stage_1,
            **self.study.specialists.get(population, {}),
        }
        return {k: self.scaled(v) if k.endswith(".frames") else v for k, v in settings.items()}

    def scaled(self, frames: int) -> int:
        """Learner frames at the scale of this plan."""
        return max(round(self.scale * frames), _LEAST_FRAMES)


def hours(steps: Sequence[Step], frames_per_second: float, decisions_per_second: float) -> float:
    """How long steps take, about."""
    return sum(s.frames / frames_per_second + s.decisions / decisions_per_second for s in steps) / 3600


def _flags(settings: dict[str, Any]) -> Iterator[str]:
    return (f"--{name}={value}" for name, value in settings.items())
