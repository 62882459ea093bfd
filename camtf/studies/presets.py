"""What the studies train and measure: CAM's two populations, and that of M&M, sized for two cores."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from camtf.settings import quoted

MILLION = 1_000_000

EIGHT = (
    "ember_fox", "gale_archer", "iron_bull", "tide_monk", "storm_lancer", "thorn_witch", "cinder_duelist", "frost_seer",
)  # fmt: skip


class StudyError(ValueError):
    """A study that cannot be made as it was asked for."""


@dataclass(frozen=True)
class Population:
    """How a population comes to be.

    Attributes:
        settings: of its stage 1, beside those of the study.
        first_of: the population of which it is the first generations; empty where it is trained itself.
        generations: how many those are.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    first_of: str = ""
    generations: int = 0


@dataclass(frozen=True)
class Study:
    """What a study trains and measures, for each of its seeds.

    Attributes:
        characters: ids; more of the roster's where ``count`` asks for more.
        count: how many characters.
        populations: by name, in the order in which they are trained.
        specialists: settings of stage 2, by the population whose Specialists are trained.
        main: the population that the main results are of.
        generations: the population whose last strategy is measured against the one before it.
        games: battles of each pairing of two characters, in every set of opponents.
        bot_games: battles of each character against each bot.
        exploiters, exploiter_frames: trained against each population that has Specialists.
        settings: of all runs, beside those of the preset ``quickstart``.
    """

    characters: tuple[str, ...]
    count: int
    populations: dict[str, Population]
    specialists: dict[str, dict[str, Any]]
    main: str
    generations: str
    games: int
    bot_games: int
    exploiters: int = 2
    exploiter_frames: int = 2 * MILLION
    settings: dict[str, Any] = field(default_factory=lambda: dict(SETTINGS))

    def participants(self) -> tuple[str, ...]:
        """Ids of all that take part: those that are named, then the first others that the roster does not hold out."""
        from camtf.games.duel.game import Duel
        from camtf.games.duel.roster import load_roster

        others = (i for i in Duel(load_roster()).default_characters if i not in self.characters)
        return (*self.characters, *(next(others) for _ in range(self.count - len(self.characters))))


SETTINGS: dict[str, Any] = {"game.matches": 1024, "ppo.epochs": 2, "histogram_updates": 0}


def _generations(count: int, frames: int) -> dict[str, Any]:
    return {"generalists.algorithm": "mia", "generalists.generations": count, "generalists.frames": frames}


def _neupl(algorithm: str, frames: int) -> dict[str, Any]:
    slots = {"generalists.slots": 9}  # the uniform sink and 8 that learn
    return {"generalists.algorithm": algorithm, "generalists.generations": 1, "generalists.frames": frames, **slots}


def _specialists(frames: int, controls: str = "matched,own_critic") -> dict[str, Any]:
    return {"specialists.frames": frames, "specialists.opponents": 0, "specialists.controls": controls}


PRESETS: dict[str, Study] = {
    "cam8": Study(
        characters=EIGHT,
        count=8,
        populations={
            "neupl": Population(_neupl("neupl", 30 * MILLION)),
            "simplex_neupl": Population(_neupl("simplex_neupl", 30 * MILLION)),
            "mia": Population(_generations(13, 5 * MILLION // 2)),
        },
        specialists={"simplex_neupl": _specialists(2 * MILLION), "mia": _specialists(2 * MILLION)},
        main="simplex_neupl",
        generations="mia",
        games=100,
        bot_games=200,
    ),
    "cam50": Study(
        characters=EIGHT,
        count=50,
        populations={"simplex_neupl": Population(_neupl("simplex_neupl", 80 * MILLION))},
        specialists={"simplex_neupl": _specialists(1 * MILLION, "matched")},
        main="simplex_neupl",
        generations="simplex_neupl",
        games=16,
        bot_games=40,
    ),
    "mm16": Study(
        characters=(),
        count=16,
        populations={
            "further": Population(_generations(15, 4 * MILLION)),
            "mia": Population(first_of="further", generations=13),
        },
        specialists={"mia": _specialists(2 * MILLION)},
        main="mia",
        generations="mia",
        games=60,
        bot_games=200,
    ),
}
"""cam8: populations of 8 by three algorithms, Specialists of two. cam50: the same 8 among 50. mm16: M&M's line with
the 16 named characters; ``further`` is the population after two more generations, which M&M's figure 5 sets against
specialising."""


def preset(name: str) -> Study:
    """A study by name. Raises StudyError with the known names."""
    if name not in PRESETS:
        raise StudyError(f"unknown study {quoted(name)}; the studies are {', '.join(PRESETS)}")
    return PRESETS[name]
