"""Playing by hand: keys become actions, and what was played is the replay."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from camtf.games.duel import replay as replays
from camtf.games.duel.bots import BOTS
from camtf.games.duel.game import Duel
from camtf.games.duel.observation import MASK_WIDTH, MOVEMENT_COUNT
from camtf.games.duel.roster import Roster
from camtf.play.arena import Arena
from camtf.play.match import Match
from camtf.play.messages import Input, MessageError, Start, parse
from camtf.play.opponents import Learned, Scripted, Wish
from camtf.play.person import Person
from camtf.types import Observation
from tests.playing import MOVE, SKILL

CHARACTERS = ("ember_fox", "gale_archer")
START = {"type": "start", "character": "ember_fox", "opponent": "rusher", "opponent_character": "gale_archer",
         "precision": "", "temperature": 1, "delay": 0}  # fmt: skip
INPUT = {"type": "input", "x": 0, "y": 0, "held": [], "tapped": [], "seen": 0}


def mask(*illegal: str) -> np.ndarray:
    """An Action-Mask that allows all but some movements and skills."""
    found = np.ones(MASK_WIDTH, np.float32)
    for name in illegal:
        found[MOVE[name] if name in MOVE else MOVEMENT_COUNT + SKILL[name]] = 0
    return found


def given(x: int = 0, y: int = 0, held: tuple[str, ...] = (), tapped: tuple[str, ...] = ()) -> Input:
    return Input(x, y, tuple(SKILL[s] for s in held), tuple(SKILL[s] for s in tapped), 0)


def act(person: Person, *illegal: str, ahead: int = 1) -> tuple[int, int]:
    movement, skill = person.act(mask(*illegal), ahead)
    return int(movement), int(skill)


def test_right_is_forward_where_the_opponent_is_right() -> None:
    person = Person()
    person.take(given(1, 0))
    assert act(person)[0] == MOVE["forward"] and act(person, ahead=-1)[0] == MOVE["back"]
    person.take(given(-1, 1))
    assert act(person)[0] == MOVE["back_up"] and act(person, ahead=-1)[0] == MOVE["forward_up"]
    assert act(person, "back_up")[0] == MOVE["stay"]
    person.take(given(0, -1))
    person.take(given())  # let go before the decision: it counts once
    assert [act(person)[0] for _ in range(2)] == [MOVE["down"], MOVE["stay"]]


def test_a_key_pressed_too_early_counts_for_300_ms() -> None:
    person = Person()
    person.take(given(tapped=("ultimate", "attack")))
    person.take(given(tapped=("ultimate",)))  # twice is once
    assert act(person, "ultimate")[1] == SKILL["attack"]  # what is not legal yet does not hold up the other
    assert act(person, "ultimate")[1] == SKILL["none"]
    assert act(person)[1] == SKILL["ultimate"] and act(person)[1] == SKILL["none"]
    person.take(given(tapped=("dash",)))
    assert [act(person, *illegal)[1] for illegal in (["dash"], ["dash"], ["dash"], [])] == [SKILL["none"]] * 4
    person.take(given(held=("guard", "attack")))
    assert [act(person)[1] for _ in range(5)] == [SKILL["guard"]] * 5
    assert act(person, "guard")[1] == SKILL["attack"]
    person.let_go()
    assert act(person) == (0, 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "must be JSON, got 'nonsense'"),
        ("[" * 3000, "must be JSON"),
        ("[]", "type must be one of start, input, pause, resume, leave; got None"),
        ('{"type": ["start"]}', "type must be one of"),
        ('{"type": "pause", "for": 3}', r"pause must have nothing else; got \['for'\]"),
        (json.dumps({**INPUT, "x": 2}), r"x must be an integer in \[-1, 1\], got 2"),
        (json.dumps({**INPUT, "y": True}), r"y must be an integer in \[-1, 1\], got True"),
        (json.dumps({**INPUT, "seen": -1}), "seen must be an integer in"),
        (json.dumps({**INPUT, "held": [0]}), r"held must be a list of fewer than 10 integers in \[1, 9\], got \[0\]"),
        (json.dumps({**INPUT, "tapped": [1] * 10}), "tapped must be a list of fewer than 10"),
        (json.dumps({**INPUT, "held": {"1": 1}}), "held must be a list"),
        (json.dumps({k: v for k, v in INPUT.items() if k != "x"}), "input must have held, seen, tapped, x, y"),
        (json.dumps({**START, "character": 7}), "character must be text, got 7"),
        (json.dumps({**START, "temperature": -0.5}), r"Wish.temperature must be in \[0.0, 5.0\], got -0.5"),
        (json.dumps({**START, "temperature": float("nan")}), "must be JSON"),
        (json.dumps({**START, "delay": 1.5}), "Wish.delay must be of type int, got 1.5"),
    ],
)
def test_other_messages_are_refused(text: str, message: str) -> None:
    with pytest.raises(MessageError, match=message):
        parse(text)


def test_messages_are_read() -> None:
    assert parse(json.dumps(START)) == Start("ember_fox", Wish("rusher", "gale_archer"))
    told = {**INPUT, "x": -1, "held": [5], "tapped": [1, 2], "seen": 30}
    assert parse(json.dumps(told)) == Input(-1, 0, (5,), (1, 2), 30)


def test_who_cannot_be_played_is_named(duel: Duel) -> None:
    arena = Arena(duel, None, CHARACTERS)
    for wish, message in (
        (Wish("specialist", "ember_fox"), "the opponent must be one of punisher, rusher, .*; got 'specialist'"),
        (Wish("rusher", "nobody"), r"the character of rusher must be one of ember_fox, .*\(320\); got 'nobody'"),
    ):
        with pytest.raises(MessageError, match=message):
            arena.match(Start("ember_fox", wish))
    with pytest.raises(MessageError, match="your character must be one of"):
        arena.match(Start("", Wish("rusher", "ember_fox")))


@pytest.mark.parametrize("delay", [0, 4])
def test_a_match_is_its_replay(roster: Roster, tmp_path: Path, delay: int) -> None:
    """What was shown tick by tick ends every decision in the states of the replay."""
    game = Duel(roster, input_delay_ticks=delay)
    match = Match(game, CHARACTERS, Scripted(BOTS["punisher"], "a bot", np.random.default_rng(1)), seed=3)
    with pytest.raises(replays.ReplayError, match="a replay is one whole match"):
        match.replay()
    rng, shown = np.random.default_rng(2), [match.fighters]
    while match.outcome is None:
        x, y, skill = rng.integers([-1, -1, 1], [2, 2, 10])
        match.person.take(Input(int(x), int(y), (), (int(skill),), 0))
        turn = match.play()
        assert turn.ticks.shape == (3, 2) and (turn.ticks[-1] == match.fighters).all()
        shown.append(turn.ticks[-1])
    replay = match.replay()
    (tmp_path / "match.npz").write_bytes(replays.to_bytes(replay))
    moments = list(replays.play_back(roster, replays.load(tmp_path / "match.npz")))
    assert [m.fighters.tobytes() for m in moments] == [fighters.tobytes() for fighters in shown]
    assert replay.players == ("person", "a bot") and len(replay.actions) == match.decisions
    health = moments[-1].fighters["health_hp"] / roster.characters["max_health_hp"][match.indices]
    assert not match.legal.any()
    assert match.outcome == {1: 1.0, 0: 0.5, -1: 0.0}[int(np.sign(max(health[0], 0) - max(health[1], 0)))]


class Clock:
    """A model that says which decision it sees and which is legal now."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, float, float]] = []

    def choose(self, seen: Observation, legal: np.ndarray, temperature: float, uniforms: np.ndarray) -> np.ndarray:
        assert ((uniforms > 0) & (uniforms < 1)).all() and legal.shape == (1, MASK_WIDTH)
        self.seen.append((float(seen.basic[0, 0]), float(legal[0, 0]), temperature))
        return np.zeros(2, np.int32)


def test_a_late_opponent_sees_the_past_and_what_is_legal_now(duel: Duel) -> None:
    model, game = Clock(), duel.make(0, np.zeros(1, np.int64))
    opponent = Learned(model, "late", temperature=2.0, delay=2, rng=np.random.default_rng(0))
    observation = game.reset(np.zeros((2, 1), int))
    for decision in range(5):
        observation.basic[1], observation.mask[1] = decision, 10 + decision
        opponent.act(game, observation)
    assert model.seen == [(max(0, i - 2), 10 + i, 2.0) for i in range(5)]
