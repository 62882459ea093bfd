"""Battles to the end, and the tables made of them: by sides of known strength."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from camtf.config import preset
from camtf.evaluation.battles import BotSide, PolicySide, PoolSide, Side, Turn, play, play_share, turns
from camtf.evaluation.columns import table
from camtf.evaluation.yardstick import against_bots
from camtf.games.duel.game import Duel
from camtf.games.duel.roster import Roster
from camtf.model.policy import Policy
from camtf.population.pool import Pool
from camtf.types import GameSpec, Snapshot
from tests.playing import MOVE, SKILL
from tests.small_game import GUESS

CONFIG = preset("test")
SLOTS = CONFIG.network.mixture_slots
FIRST, SECOND = CONFIG.game.characters


@pytest.fixture(scope="module")
def duel(roster: Roster) -> Duel:
    return Duel(roster)


@pytest.fixture(scope="module")
def brief(roster: Roster) -> Duel:
    """The duel with a twelfth of everybody's health: battles are short."""
    characters = roster.characters.copy()
    characters["max_health_hp"] //= 12
    return Duel(dataclasses.replace(roster, characters=characters))


def policy(spec: GameSpec, movement: int | None = None, skill: int | None = None) -> Policy:
    """A network that always wishes the same, or, without a wish, draws uniformly."""
    made = Policy(CONFIG.network, spec)
    weights = {path: np.zeros_like(w) for path, w in made.get_weights().items()}
    for head, wish in (("movement/bias", movement), ("skill/bias", skill)):
        if wish is not None:
            weights[head][wish] = 60.0
    made.set_weights(weights)
    return made


def snapshot(name: str, game: Duel, movement: int | None = None, skill: int | None = None) -> Snapshot:
    weights = policy(game.spec, movement, skill).get_weights()
    return Snapshot(name, weights, np.full((len(game.characters), SLOTS), 1 / SLOTS, np.float32))


def still(name: str, game: Duel) -> Snapshot:
    """Never does a thing."""
    return snapshot(name, game, MOVE["stay"], SKILL["none"])


def strike(name: str, game: Duel) -> Snapshot:
    """Walks at its opponent and does whatever is possible, at random."""
    return snapshot(name, game, MOVE["forward"])


def own_side(game: Duel, kind: str) -> Side:
    """Ember Fox, then Gale Archer, by a network that stands still."""
    characters = np.array([game.roster.index(i) for i in (FIRST, SECOND)])
    if kind == "policy":
        return PolicySide(policy(game.spec, MOVE["stay"], SKILL["none"]), still("", game).mixture, characters)
    pool = Pool(CONFIG.network, game.spec, [strike("other", game), still("still", game)])
    return PoolSide(pool, np.array([1, 1]), characters)


@pytest.mark.parametrize("kind", ["pool", "policy"])
def test_who_wins_is_counted_on_either_side(duel: Duel, kind: str) -> None:
    """A network that stands still loses to the rusher, whoever of both is the first side."""
    passive, everyone = own_side(duel, kind), np.arange(2)
    active = BotSide(duel.bots["rusher"], passive.character)
    pairs = np.stack([everyone, everyone[::-1]], axis=1)
    assert play(duel, passive, active, pairs, 3, seed=1).tolist() == [0.0, 0.0]
    assert play(duel, active, passive, pairs, 3, seed=1).tolist() == [3.0, 3.0]
    assert play(duel, passive, BotSide(duel.bots["idle"], passive.character), pairs, 2, seed=1).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("matches", [1, 3, 64])
def test_every_battle_counts_once(matches: int) -> None:
    """In a game of two decisions a battle, however they are packed."""
    right, wrong, guess = (BotSide(GUESS.bots[bot], np.array([0, 1])) for bot in ("right", "wrong", "guess"))
    pairs = np.array([(0, 0), (0, 1), (1, 0)])
    seen: list[tuple[int, bool]] = []

    def watch(turn: Turn) -> None:
        seen.extend(zip(turn.battle[turn.counts], turn.done[turn.counts], strict=True))

    assert play(GUESS, right, wrong, pairs, 5, seed=5, matches=matches, watch=watch).tolist() == [5.0] * 3
    assert sorted(seen) == sorted([(battle, done) for battle in range(15) for done in (False, True)])
    assert play(GUESS, wrong, right, pairs, 5, seed=5, matches=matches).tolist() == [0.0] * 3
    assert play(GUESS, right, right, pairs, 5, seed=5, matches=matches).tolist() == [2.5] * 3
    won = play(GUESS, guess, wrong, pairs, 200, seed=5, matches=matches).sum() / 600
    assert won == pytest.approx(1 - 4 / 9 + 4 / 9 / 2, abs=0.07)  # 600 battles, at least 3.6 standard deviations
    with pytest.raises(ValueError, match="matches must be at least 1, got 0"):
        play(GUESS, right, wrong, pairs, 5, seed=5, matches=0)


def test_each_member_plays_its_character(duel: Duel) -> None:
    one, two = (BotSide(duel.bots["rusher"], np.array(c)) for c in ([5, 2], [7, 1, 3]))
    pairs = np.array([(0, 0), (1, 2), (0, 1)])
    for turn in turns(duel, one, two, np.arange(3), pairs, seed=1, matches=2):
        stood = np.stack([one.character[pairs[turn.battle, 0]], two.character[pairs[turn.battle, 1]]])
        going = turn.counts & ~turn.done
        np.testing.assert_array_equal(turn.game.fighters["character"][:, going], stood[:, going])  # type: ignore[attr-defined]


class Record:
    """What happened in every battle: all actions and the outcome."""

    def __init__(self) -> None:
        self.actions: dict[int, list[list[list[int]]]] = {}
        self.outcome: dict[int, float] = {}

    def watch(self, turn: Turn) -> None:
        for b in np.flatnonzero(turn.counts):
            self.actions.setdefault(int(turn.battle[b]), []).append(turn.actions[:, b].tolist())
            if turn.done[b]:
                self.outcome[int(turn.battle[b])] = float(turn.outcome[b])


def shared(game: Duel, first: Side, second: Side, ranks: int, matches: int) -> tuple[list[float], Record]:
    """Battles shared by so many ranks, here one after the other."""
    record, pairs = Record(), np.array([(0, 0), (1, 0), (1, 1)])
    parts = [
        play_share(game, first, second, pairs, 2, 7, rank, ranks, matches, record.watch) for rank in range(ranks)
    ]  # fmt: skip
    return np.sum(parts, axis=0).tolist(), record


@pytest.mark.parametrize("kind", ["pool against policy", "bot against pool"])
def test_ranks_and_batches_change_no_battle(brief: Duel, kind: str) -> None:
    """Networks and bots: every action of every battle is the same however the list is shared and packed."""
    characters = np.array([brief.roster.index(i) for i in (FIRST, SECOND)])
    networks = [Policy(CONFIG.network, brief.spec, seed) for seed in (1, 2)]
    mixture = still("", brief).mixture
    pool = Pool(
        CONFIG.network, brief.spec, [Snapshot(str(i), p.get_weights(), mixture) for i, p in enumerate(networks)]
    )
    served = PoolSide(pool, np.array([1, 0]), characters)
    sides: tuple[Side, Side] = (served, PolicySide(networks[0], mixture, characters))
    if kind == "bot against pool":
        sides = BotSide(brief.bots["punisher"], characters), served
    wins, record = shared(brief, *sides, ranks=1, matches=64)
    assert len(record.actions) == len(record.outcome) == 6
    assert len({str(actions) for actions in record.actions.values()}) == 6  # no two battles are alike
    for ranks, matches in ((1, 7), (2, 64), (3, 1), (4, 7)):
        others, again = shared(brief, *sides, ranks, matches)
        assert others == wins
        assert again.actions == record.actions and again.outcome == record.outcome
    assert sum(record.outcome.values()) == sum(wins)


def test_another_seed_is_another_evaluation(duel: Duel) -> None:
    side = BotSide(duel.bots["punisher"], np.array([2]))
    first, again, other = (Record() for _ in range(3))
    for record, seed in ((first, 3), (again, 3), (other, 4)):
        play(duel, side, side, np.array([(0, 0)]), 3, seed, watch=record.watch)
    assert first.actions == again.actions and first.actions != other.actions


def test_a_mirror_match_is_even(duel: Duel) -> None:
    side = BotSide(duel.bots["random_legal"], np.array([2]))
    wins = play(duel, side, side, np.array([(0, 0)]), 400, seed=3)
    assert abs(wins[0] / 400 - 0.5) < 0.09  # 3.6 standard deviations


def test_a_policy_in_training_meets_every_bot(brief: Duel) -> None:
    """Its own win rate, over all pairs, or as many of them as there are battles."""
    passive = own_side(brief, "policy")
    rates = against_bots(brief, passive, passive.character, games=5)
    assert list(rates) == [f"v_{bot}" for bot in brief.bots]
    assert rates["v_idle"] == 0.5 and rates["v_rusher"] == rates["v_punisher"] == 0.0
    assert against_bots(brief, passive, np.arange(300), games=3)["v_idle"] == 0.5


def test_a_table_lines_up() -> None:
    lines = table(["name", "x"], [["a", "1.5"], ["longer", "10.25"]]).split("\n")
    assert lines == ["name        x", "------  -----", "a         1.5", "longer  10.25"]
