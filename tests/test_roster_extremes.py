"""Whatever a roster is allowed to say, observations stay in their documented ranges and a mirrored match mirrors."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from camtf.games.duel.env import DuelGame
from camtf.games.duel.observation import MOVEMENT_COUNT
from camtf.games.duel.roster import Roster, RosterError, load_roster, schema
from camtf.games.duel.roster.schema import BUFFS, PASSIVES, Number
from camtf.types import Observation
from tests.playing import random_actions

MATCHES = 8
DECISIONS = 250
ELEMENTS = ("fire", "wind", "earth")


def ends(numbers: dict[str, Number]) -> dict[str, st.SearchStrategy[int]]:
    """Each number at one end of its range."""
    return {name: st.sampled_from((number.low, number.high)) for name, number in numbers.items()}


def with_buffs(numbers: dict[str, Number], *fields: str) -> st.SearchStrategy[dict[str, Any]]:
    """Numbers at their ends, and any buff in each of ``fields``, for the shortest or the longest time."""
    buffs = {field: st.sampled_from(BUFFS) for field in fields}
    times = {f"{field}_ticks": st.sampled_from((1, schema.MAX_BUFF_TICKS)) for field in fields}
    return st.fixed_dictionaries({**ends(numbers), **times}, optional=buffs)


MOVE = with_buffs(schema.MOVE_NUMBERS, "inflict", "gain")
CHARACTER = st.fixed_dictionaries(
    {
        **ends(schema.CHARACTER_NUMBERS),
        "element": st.sampled_from(ELEMENTS),
        "passive": st.sampled_from(PASSIVES),
        "chain": st.lists(MOVE, min_size=schema.CHAIN_LENGTH, max_size=schema.CHAIN_LENGTH),
        **dict.fromkeys(("skill_1", "skill_2", "ultimate"), MOVE.map(lambda move: {"name": "Skill", **move})),
    }
)
LOADOUT = st.fixed_dictionaries(
    {
        "scroll": with_buffs(schema.SCROLL_NUMBERS, "inflict", "gain"),
        "summon": with_buffs(schema.SUMMON_NUMBERS, "inflict"),
        "weapon": st.fixed_dictionaries(ends(schema.WEAPON_NUMBERS)),
        "armour": st.fixed_dictionaries(ends(schema.ARMOUR_NUMBERS)),
    }
)


def toml(value: Any) -> str:
    """A value as TOML, tables inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(v)}" for key, v in value.items()) + "}"
    return "[" + ", ".join(map(toml, value)) + "]" if isinstance(value, list) else json.dumps(value)


def load(characters: list[dict[str, Any]], loadout: dict[str, dict[str, Any]], advantage_per_mille: int) -> Roster:
    """Write a roster's files, in which every character has the same loadout, and load them."""
    names = dict.fromkeys(loadout, "one")
    character = [{"id": f"c{i}", "name": "C", "archetype": "a", **names, **c} for i, c in enumerate(characters)]
    elements = {"cycle": list(ELEMENTS), "advantage_per_mille": advantage_per_mille}
    tables = {kind: [{"id": "one", "name": "One", **entry}] for kind, entry in loadout.items()}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "characters.toml").write_text(f"character = {toml(character)}\n")
        lines = (f"{key} = {toml(value)}\n" for key, value in {"elements": elements, **tables}.items())
        (Path(folder) / "loadout.toml").write_text("".join(lines))
        return load_roster(folder)


def shorten_stuns(value: Any) -> None:
    """Bring every stun in nested tables into what is allowed."""
    if isinstance(value, dict):
        for field in ("inflict", "gain"):
            if value.get(field) == "stun":
                value[f"{field}_ticks"] = min(value[f"{field}_ticks"], schema.MAX_STUN_TICKS)
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        shorten_stuns(part)


def check(game: DuelGame, observation: Observation) -> None:
    """The ranges that `camtf.games.duel.observation` documents, and buffs that end as a whole."""
    ids = len(game.spec.id_counts)
    assert np.abs(observation.basic).max() <= 1.0
    assert observation.buff.min() >= 0.0 and observation.buff.max() <= 1.0
    there = observation.buff > 0
    assert (there[..., 1] == there[..., 0]).all() and (there[..., 2] <= there[..., 0]).all()
    assert observation.element[..., :ids].min() >= 0
    assert (observation.element[..., :ids] < game.spec.id_counts).all()
    assert np.abs(observation.element[..., ids:]).max() <= 1000
    assert np.isin(observation.mask, (0.0, 1.0)).all()
    assert (observation.mask[..., 0] == 1).all() and (observation.mask[..., MOVEMENT_COUNT] == 1).all()


@settings(max_examples=30, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(
    characters=st.lists(CHARACTER, min_size=2, max_size=2),
    loadout=LOADOUT,
    advantage_per_mille=st.sampled_from(schema.ADVANTAGE_PER_MILLE[:2]),
    seed=st.integers(0, 2**31 - 1),
)
def test_the_extremes_of_a_roster_keep_every_range(
    characters: list[dict[str, Any]], loadout: dict[str, dict[str, Any]], advantage_per_mille: int, seed: int
) -> None:
    try:
        roster = load(characters, loadout, advantage_per_mille)
    except RosterError as error:
        assert "_ticks' must be an integer in [1, 40] for 'stun', got 300" in str(error)
        shorten_stuns([characters, loadout])
        roster = load(characters, loadout, advantage_per_mille)
    rng = np.random.default_rng(seed)
    who = rng.integers(0, 2, (2, MATCHES))
    game, mirror = DuelGame(roster, MATCHES, seed), DuelGame(roster, MATCHES, seed)
    observation, reflected = game.reset(who), mirror.reset(who[::-1])
    for _ in range(DECISIONS):
        check(game, observation)
        actions = random_actions(observation, rng)
        observation, step = game.step(actions, observation)
        reflected, reflected_step = mirror.step(actions[::-1], reflected)
        assert all(np.array_equal(x, y[::-1]) for x, y in zip(observation, reflected, strict=True))
        np.testing.assert_array_equal(step.reward, reflected_step.reward[::-1])
        assert np.isfinite(step.reward).all()
