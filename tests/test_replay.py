"""Replays: the same match again, and every way in which it could be another one."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from camtf.games.duel import replay as replays
from camtf.games.duel.env import DuelGame
from camtf.games.duel.replay import Replay, ReplayError
from camtf.games.duel.roster import Roster
from tests.playing import random_actions


def recorded(roster: Roster, seed: int = 4, delay: int = 0) -> Replay:
    rng = np.random.default_rng(seed)
    game = DuelGame(roster, 1, seed, input_delay_ticks=delay)
    observation, actions, done = game.reset(np.array([[1], [0]])), [], False
    while not done:
        actions.append(random_actions(observation, rng))
        observation, step = game.step(actions[-1])
        done = bool(step.done[0])
    characters = roster.ids[1], roster.ids[0]
    return replays.record(roster, characters, np.concatenate(actions, axis=1).swapaxes(0, 1), seed, ("a", "b"), delay)


@pytest.mark.parametrize("delay", [0, 4])
def test_a_saved_replay_plays_the_same_match(roster: Roster, tmp_path: Path, delay: int) -> None:
    replay = recorded(roster, delay=delay)
    replays.save(replay, tmp_path / "match.npz")
    loaded = replays.load(tmp_path / "match.npz")
    assert loaded.characters == (roster.ids[1], roster.ids[0]) and loaded.players == ("a", "b")
    moments = list(replays.play_back(roster, loaded))
    assert len(moments) == len(replay.actions) + 1 <= 601
    assert [m.fighters["character"].tolist() for m in moments[:1]] == [[1, 0]]
    assert (moments[0].fighters["health_hp"] == roster.characters["max_health_hp"][[1, 0]]).all()
    last = moments[-1].fighters["health_hp"]
    assert (last < moments[0].fighters["health_hp"]).any()
    assert (tmp_path / "match.npz").stat().st_size < 10_000


def test_other_rules_another_roster_or_actions_are_refused(roster: Roster, plain: Roster) -> None:
    replay = recorded(roster)
    with pytest.raises(ReplayError, match=r"recorded with the rules version 99, this game has \d+"):
        list(replays.play_back(roster, dataclasses.replace(replay, rules_version=99)))
    with pytest.raises(ReplayError, match=r"recorded with the roster \w{16}, this game has \w{16}"):
        list(replays.play_back(plain, replay))
    with pytest.raises(ReplayError, match="the replay is damaged: its states have the digest"):
        list(replays.play_back(roster, dataclasses.replace(replay, seed=replay.seed + 1)))
    actions = replay.actions.copy()
    actions[0, 0] = 0, 9 + 9
    with pytest.raises(ReplayError, match="the replay is damaged: match 0, player 0: illegal action"):
        list(replays.play_back(roster, dataclasses.replace(replay, actions=actions)))


def test_a_damaged_file_is_named(roster: Roster, tmp_path: Path) -> None:
    file = tmp_path / "match.npz"
    replays.save(recorded(roster), file)
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(ReplayError, match=r"match.npz is not a replay"):
        replays.load(file)
    with pytest.raises(ReplayError, match=r"nothing.npz is not a replay"):
        replays.load(tmp_path / "nothing.npz")
