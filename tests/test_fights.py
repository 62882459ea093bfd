"""Fights: the same bits on any number of ranks, in any batch, with everything that is counted beside the outcomes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from camtf.checkpoint import CheckpointError, RunDirectory
from camtf.evaluation.advantages import summing
from camtf.evaluation.battles import BotSide
from camtf.evaluation.behaviour import counting
from camtf.evaluation.fights import Fight, Fighter, Parts, Tally, play_lot
from camtf.evaluation.sides import Players, players
from camtf.population.training import Context
from camtf.types import Snapshot
from tests.ladder import CONFIG, GAME


@pytest.fixture(scope="module")
def kinds() -> tuple[Context, Players, Players]:
    """Networks with random weights, which draw, and do not always agree."""
    context = Context(CONFIG, GAME, RunDirectory("nowhere"))
    made = []
    for seed in range(3):
        weights = {path: 3.0 * w for path, w in context.policy(seed).get_weights().items()}
        made.append(Snapshot(str(seed), weights, np.full((2, 2), 0.5, np.float32)))
    return context, players(context, "one", made[:2]), players(context, "other", [made[2], made[0]])


PAIRS = np.array([(0, 0), (0, 1), (1, 1)])


class Both:
    """Two tallies as one."""

    def __init__(self, *tallies: Tally) -> None:
        self._tallies = tallies

    def add(self, turn, battle) -> None:  # type: ignore[no-untyped-def]
        for tally in self._tallies:
            tally.add(turn, battle)

    def rows(self) -> dict[str, np.ndarray]:
        return {name: x for tally in self._tallies for name, x in tally.rows().items()}

    def sums(self) -> dict[str, np.ndarray]:
        return {name: x for tally in self._tallies for name, x in tally.sums().items()}


def fight(kinds: tuple[Context, Players, Players]) -> Fight:
    context, one, other = kinds
    count, add_up = counting(GAME, PAIRS), summing(context, other, PAIRS)
    return Fight("x", "", one.side, other.side, PAIRS, 7, 5, lambda lot: Both(count(lot), add_up(lot)))


def test_ranks_and_batches_change_nothing(kinds: tuple[Context, Players, Players]) -> None:
    """Outcomes, counts of actions, returns and values: summed over ranks, bit for bit the same."""
    made = fight(kinds)
    lot = next(made.lots())
    alone = play_lot(GAME, made, lot, 0, 1, 64)
    assert {"row:outcome", "row:advantage", "sum:skill_groups"} <= alone.keys()
    assert 0.0 < alone["row:outcome"].mean() < 1.0 and len(set(alone["row:advantage"])) > 20
    for size, matches in ((1, 5), (2, 64), (3, 1)):
        parts = [play_lot(GAME, made, lot, rank, size, matches) for rank in range(size)]
        for name, array in alone.items():
            together = np.sum([part[name] for part in parts], axis=0)
            assert np.array_equal(together, array), (name, size, matches)


def test_each_is_player_0_half_the_time(kinds: tuple[Context, Players, Players]) -> None:
    lot = next(fight(kinds).lots())
    assert lot.player.tolist() == [0] * 21 + [1] * 21 and lot.cell.tolist() == 2 * ([0] * 7 + [1] * 7 + [2] * 7)


def test_bots_play_on_either_side(kinds: tuple[Context, Players, Players]) -> None:
    """A bot among networks: beside it, what networks do stays what it was against the same bot alone."""
    _, one, _ = kinds
    bot = BotSide(GAME.bots["random"], np.arange(2))
    ways = [Fight("x", "", *sides, PAIRS, 20, 5) for sides in ((one.side, bot), (bot, one.side))]
    first, second = (play_lot(GAME, way, next(way.lots()), 0, 1, 16)["row:outcome"] for way in ways)
    assert 0.0 < first.mean() < 1.0 and set(first) <= {0.0, 0.5, 1.0} and first.tolist() != second.tolist()


def test_parts_are_their_own(tmp_path: Path) -> None:
    """One that is damaged, or of another key, is not taken."""
    parts = Parts(RunDirectory(tmp_path))
    parts.put("a/b", "key", {"x": np.arange(3)})
    (file,) = (tmp_path / "evaluation").iterdir()
    assert parts.get("a/b", "another") is None
    found = parts.get("a/b", "key")
    assert found is not None and found["x"].tolist() == [0, 1, 2]
    file.write_bytes(file.read_bytes()[:-3])
    with pytest.raises(CheckpointError, match="is damaged"):
        parts.get("a/b", "key")
    parts = Parts(RunDirectory(tmp_path))
    parts.tidy()
    assert not list((tmp_path / "evaluation").iterdir())


def test_lots_make_no_difference(
    kinds: tuple[Context, Players, Players], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = fight(kinds)
    whole = Fighter(GAME, RunDirectory(tmp_path / "a")).play(made)
    monkeypatch.setattr("camtf.evaluation.fights.LOT", 8)
    parts = Fighter(GAME, RunDirectory(tmp_path / "b")).play(made)
    assert len(list((tmp_path / "b" / "evaluation").iterdir())) == 6
    assert np.array_equal(whole.outcome, parts.outcome) and whole.outcome.shape == (3, 14)
    for ours, theirs in ((whole.rows, parts.rows), (whole.sums, parts.sums)):
        for name in ours:
            assert np.array_equal(ours[name], theirs[name]), name
