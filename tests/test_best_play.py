"""Balance under the best play that is known: choices that are known, skills that are forbidden, healths that count."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camtf import balance as command
from camtf.algorithms import population
from camtf.checkpoint import RunDirectory
from camtf.config import ConfigError
from camtf.evaluation import best_play
from camtf.evaluation.best_play import Battles, Candidates, Without
from camtf.evaluation.designer import Balance, judged, report
from camtf.evaluation.health import HEALTH_HP, suggestion, with_health
from camtf.files import read_json
from camtf.games.duel.game import Duel
from camtf.games.duel.roster.loader import DEFAULT_FOLDER
from camtf.games.duel.state import SKILLS
from camtf.population.equilibrium import zero_sum
from camtf.population.training import Context
from tests.ladder import GAME, ladder_run


def test_an_equilibrium_of_two_sides() -> None:
    found = zero_sum(np.array([[3.0, -1.0], [-2.0, 1.0]]))  # (3 x 1 - 1 x 2) / 7
    assert found.value == pytest.approx(1 / 7)
    np.testing.assert_allclose(found.rows, [3 / 7, 4 / 7])
    np.testing.assert_allclose(found.columns, [2 / 7, 5 / 7])
    saddle = zero_sum(np.array([[0.2, 0.5, 0.9], [-0.4, 0.9, -1.0]]))
    assert saddle.value == pytest.approx(0.2) and saddle.rows[0] == pytest.approx(1) == saddle.columns[0]


def test_every_character_is_played_as_well_as_any_policy_plays_it(tmp_path: Path) -> None:
    """Rows of a ladder: the Specialist of player 1 is its best, of player 2 the Generalist is."""
    context = ladder_run(tmp_path, [(1, 3)], specialists=(3, 0))
    known = best_play.candidates([(context, population(context))])
    assert [name.split("/")[1] for name in known.names] == ["generalist", "specialist"]
    battles = best_play.choose(GAME, known, games=2, battles=6, seed=1)
    chosen = np.where(battles.swapped[:, None], battles.pairs[:, ::-1], battles.pairs)
    assert (chosen == [2, 1]).all() and battles.swapped.sum() == 3  # member = 2 way + character
    won = best_play.outcomes(GAME, known.side, battles, seed=2)
    found = best_play.rates(battles, won, 2)
    assert won.tolist() == [0.5] * 6 and found.strength.tolist() == [0.5, 0.5] and not found.strength_error.any()
    worse = dataclasses.replace(battles, pairs=np.where(battles.pairs == 2, 0, battles.pairs))  # by the Generalist
    assert best_play.outcomes(GAME, known.side, worse, seed=2).tolist() == [0.0] * 6


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9).filter(any), st.integers(0, 50))
@settings(max_examples=60, deadline=None)
def test_battles_are_shared_out_whole(shares: list[float], total: int) -> None:
    exact = np.array(shares) / np.sum(shares) * total
    counts = best_play.shared_out(np.array(shares), total)
    assert counts.sum() == total and (np.abs(counts - exact) < 1.0 + 1e-9).all()


def test_rates_of_a_hand_worked_list() -> None:
    own, other = np.repeat([0, 0, 1], 4), np.repeat([1, 2, 2], 4)
    battles = Battles(own, other, np.zeros((12, 2), int), np.zeros(12, bool))
    won = np.array([1, 1, 0, 1, 0, 0, 0.5, 0.5, 1, 1, 1, 1])
    found = best_play.rates(battles, won, 3)
    np.testing.assert_allclose(found.matchup, [[0.5, 0.75, 0.25], [0.25, 0.5, 1.0], [0.75, 0.0, 0.5]])
    np.testing.assert_allclose(found.strength, [0.5, 0.625, 0.375])
    assert found.matchup_error[0, 1] == pytest.approx(0.5 / 2)  # deviation of 1, 1, 0, 1 is 0.5
    assert found.strength_error[2] == pytest.approx(np.sqrt(1 / 12) / 2 / 2)
    assert len(battles.of(1).own) == 8


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.56, 0.6, "too strong"), (0.4, 0.44, "too weak"), (0.46, 0.54, "even"), (0.5, 0.6, "not sure")],
)
def test_a_character_is_judged_by_its_interval(low: float, high: float, verdict: str) -> None:
    assert judged({"low": low, "high": high}, (0.45, 0.55)) == verdict


@pytest.fixture(scope="module")
def fighting(run: RunDirectory, duel: Duel) -> tuple[Duel, Candidates, Battles]:
    """The test preset's two characters, hardly trained, and 8 battles between them."""
    context = Context(run.config(), duel, run)
    known = best_play.candidates([(context, population(context))])
    return duel, known, best_play.choose(duel, known, games=2, battles=8, seed=1)


def test_a_forbidden_skill_is_never_chosen(fighting: tuple[Duel, Candidates, Battles]) -> None:
    duel, known, battles = fighting
    column = duel.spec.movements + SKILLS.index("attack")
    less = Without(known.side, column, int(known.characters[0]))
    chosen: list[np.ndarray] = []
    characters = known.side.character[battles.pairs]

    def watch(turn: best_play.Turn) -> None:
        skill = turn.actions[..., 1].T[turn.counts]
        assert not (skill[characters[turn.battle[turn.counts]] == known.characters[0]] == SKILLS.index("attack")).any()
        chosen.append(skill)

    best_play.play(duel, less, less, battles.pairs, 1, 3, watch=watch)
    assert (np.concatenate(chosen) == SKILLS.index("attack")).any()  # by the other one


def test_health_is_what_both_see_and_what_wins(fighting: tuple[Duel, Candidates, Battles]) -> None:
    duel, known, battles = fighting
    one = duel.roster.ids[known.characters[0]]
    other = with_health(duel, DEFAULT_FOLDER, {one: 2000})
    assert other.roster.characters["max_health_hp"][known.characters[0]] == 2000
    assert (other.roster.element_module != duel.roster.element_module).any()
    changed = other.roster.characters["max_health_hp"] != duel.roster.characters["max_health_hp"]
    assert np.flatnonzero(changed).tolist() in ([known.characters[0]], [])
    found = suggestion(duel, DEFAULT_FOLDER, known, battles, 0, seed=5)
    assert len(found["tried_hp"]) == 5 and found["win_rates"][-1] > found["win_rates"][0] and found["slope"] > 0
    assert HEALTH_HP[0] <= found["suggested_hp"] <= HEALTH_HP[1] and found["low"] <= found["win_rate"] <= found["high"]


def test_the_report_names_what_is_out_of_band(fighting: tuple[Duel, Candidates, Battles]) -> None:
    duel, known, battles = fighting
    every = Balance(duel, DEFAULT_FOLDER, known, battles, (0.0, 1.0), seed=7).measure()
    assert [one["win_rate"] for one in every["by_character"]] == sorted(
        (one["win_rate"] for one in every["by_character"]), reverse=True
    )
    assert sum(one["win_rate"] for one in every["by_character"]) == pytest.approx(1.0)
    strong = dataclasses.replace(
        Balance(duel, DEFAULT_FOLDER, known, battles, (0.0, 0.01), seed=7)
    ).measure()["by_character"][0]  # fmt: skip
    assert strong["verdict"] == "too strong" and len(strong["skills"]) == len(SKILLS) - 1
    changes = [skill["change"] for skill in strong["skills"]]
    assert changes == sorted(changes) and strong["health"]["health_hp"] > 0
    text = report({**every, "by_character": [strong]})
    assert f"{strong['name']} is too strong: it wins" in text and "without a skill: " in text


def test_runs_that_do_not_fit_are_refused(tmp_path: Path, run: RunDirectory, duel: Duel) -> None:
    one, two = ladder_run(tmp_path / "a", [(1, 3)]), Context(run.config(), duel, run)
    with pytest.raises(ConfigError, match=r"have different (characters|networks|games)"):
        best_play.candidates([(one, population(one)), (two, population(two))])


def test_the_command(
    run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"roster": str(DEFAULT_FOLDER), "policies": [str(run.path)], "games": 2, "battles": 8, "seed": 1,
             "tune_rounds": 1, "band": ["0.45", "0.55"], "out_roster": str(tmp_path / "roster"),
             "out": str(tmp_path / "balance.json")}  # fmt: skip
    monkeypatch.setattr(command, "FLAGS", SimpleNamespace(**given))
    command.main()
    printed = capsys.readouterr().out
    found = read_json(tmp_path / "balance.json")
    assert len(found["by_character"]) == 2 == len(found["tuned_health_hp"]) and "played as is known best" in printed
    assert json.loads(printed.splitlines()[-1])["characters"] == 2
    assert (tmp_path / "roster" / "characters.toml").exists()
    for wrong, message in (
        ({"games": 3}, "--games must be even, got 3"),
        ({"band": ["0.6", "0.7"]}, "--band must be two rates around 0.5, such as 0.45,0.55; got 0.6,0.7"),
        ({"tune_rounds": 0}, "give both"),
        ({}, "roster exists already"),
        ({"policies": [str(tmp_path)], "tune_rounds": 0, "out_roster": ""}, "config.json does not exist"),
    ):
        monkeypatch.setattr(command, "FLAGS", SimpleNamespace(**{**given, **wrong}))
        with pytest.raises(SystemExit, match=message):
            command.main()
