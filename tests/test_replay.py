"""Replays: the same match again, and every way in which it could be another one."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from camtf import files, watch
from camtf.games.duel import replay as replays
from camtf.games.duel.env import DuelGame
from camtf.games.duel.replay import Replay, ReplayError
from camtf.games.duel.roster import Roster
from camtf.games.duel.roster.loader import DEFAULT_FOLDER
from tests.damage import full_disk, mutations, replace
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
    with pytest.raises(ReplayError, match=r"damaged: its states have the digest \w{16}, recorded was 0{16}"):
        list(replays.play_back(roster, dataclasses.replace(replay, digest="0" * 64)))
    with pytest.raises(ReplayError, match=r"damaged: (its states have the digest|match 0, player \d: illegal)"):
        list(replays.play_back(roster, dataclasses.replace(replay, seed=replay.seed + 1)))
    actions = replay.actions.copy()
    actions[0, 0] = 0, 9 + 9
    with pytest.raises(ReplayError, match="the replay is damaged: match 0, player 0: illegal action"):
        list(replays.play_back(roster, dataclasses.replace(replay, actions=actions)))


def test_damage_is_found(roster: Roster, tmp_path: Path) -> None:
    """What is read is the replay that was written, or the error names the file."""
    file, replay = tmp_path / "match.npz", recorded(roster)
    replays.save(replay, file)
    for damaged in mutations(file.read_bytes(), 600):
        replace(file, damaged)
        try:
            loaded = replays.load(file)
            assert np.array_equal(loaded.actions, replay.actions)
            assert dataclasses.replace(loaded, actions=replay.actions) == replay
        except ReplayError as error:
            assert str(file) in str(error)
    with pytest.raises(ReplayError, match=r"nothing.npz does not exist"):
        replays.load(tmp_path / "nothing.npz")


@pytest.mark.parametrize(
    ("name", "value"),
    [("seed", "1"), ("seed", True), ("players", ["a"]), ("characters", 3), ("digest", None), ("extra", 1)],
)
def test_other_content_is_no_replay(roster: Roster, tmp_path: Path, name: str, value: Any) -> None:
    """Files with the right digest that were not made by `save`."""
    file, replay = tmp_path / "match.npz", recorded(roster)
    about = {key: field for key, field in vars(replay).items() if key != "actions"}
    files.write_arrays(file, {"actions": replay.actions}, {**about, name: value})
    with pytest.raises(ReplayError, match=r"match.npz is not a replay: "):
        replays.load(file)
    del about["seed"]
    files.write_arrays(file, {"actions": replay.actions}, about)
    with pytest.raises(ReplayError, match=r"match.npz is not a replay: .*seed"):
        replays.load(file)


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (np.zeros((5, 2, 3), np.int8), r"is not a replay: actions are int8 \(5, 2, 3\), not int8 \(T, 2, 2\)"),
        (np.zeros((5, 2, 2), np.int64), r"is not a replay: actions are int64 \(5, 2, 2\), not int8"),
        (np.zeros((300_000, 2, 2), np.int8), r"is damaged: .*its arrays would take .* bytes, at most 1,048,576"),
    ],
)
def test_other_actions_are_refused(roster: Roster, tmp_path: Path, actions: np.ndarray, message: str) -> None:
    file = tmp_path / "match.npz"
    replays.save(dataclasses.replace(recorded(roster), actions=actions), file)
    with pytest.raises(ReplayError, match=message):
        replays.load(file)


@pytest.mark.parametrize(
    "change", [{"seed": -1}, {"input_delay_ticks": 10**6}, {"characters": ("nobody", "ember_fox")}]
)
def test_a_match_that_cannot_be_is_refused(roster: Roster, change: dict[str, Any]) -> None:
    with pytest.raises(ReplayError, match="the replay is damaged: "):
        list(replays.play_back(roster, dataclasses.replace(recorded(roster), **change)))


def test_watching_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The replay is kept, and the page made again from it."""
    given = {"first": "ember_fox", "second": "iron_bull", "first_bot": "punisher", "second_bot": "idle", "run_dir": "",
             "film": "", "seed": 1, "roster": str(DEFAULT_FOLDER)}  # fmt: skip
    out, replay = tmp_path / "match.html", tmp_path / "match.npz"
    monkeypatch.setattr(watch, "FLAGS", SimpleNamespace(**given, replay="", out=str(out)))
    watch.main()  # so that what it compiles is in its cache, which a full disk cannot take
    out.unlink()
    replay.unlink()
    for limit_bytes, name, left in ((100, "match.npz", []), (20_000, "match.html", [replay])):
        with full_disk(limit_bytes), pytest.raises(SystemExit, match=rf"^error: .*{name} cannot be written: [^\n]*$"):
            watch.main()
        assert list(tmp_path.iterdir()) == left
    monkeypatch.setattr(watch, "FLAGS", SimpleNamespace(**given, replay=str(replay), out=str(out)))
    watch.main()
    assert "Ember Fox" in out.read_text()
