"""Balance: payoff matrices taken apart, on games with known answers, and the real census."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from camtf import balance as command
from camtf import files
from camtf.evaluation import balance
from camtf.evaluation.health import write_health
from camtf.games.duel.game import Duel
from camtf.games.duel.roster import Roster, load_roster
from tests.damage import full_disk

ROCK_PAPER_SCISSORS = np.array([[0.5, 0.0, 1.0], [1.0, 0.5, 0.0], [0.0, 1.0, 0.5]])
LADDER = 0.5 + 0.1 * (np.arange(4)[:, None] - np.arange(4)[None, :])


def test_rock_paper_scissors_is_cyclic_and_a_ladder_transitive() -> None:
    assert balance.cyclic_share(ROCK_PAPER_SCISSORS, ROCK_PAPER_SCISSORS) == pytest.approx(1.0)
    assert balance.cyclic_share(LADDER, LADDER) == pytest.approx(0.0)
    np.testing.assert_allclose(balance.split(LADDER).rating, 0.1 * (np.arange(4) - 1.5))


def test_parts_add_up_and_the_cyclic_one_has_no_ratings(rng: np.random.Generator) -> None:
    lead = rng.normal(size=(9, 9)) * 0.1
    payoff = 0.5 + (lead - lead.T) / 2
    parts = balance.split(payoff)
    np.testing.assert_allclose(0.5 + parts.transitive + parts.cyclic, payoff)
    np.testing.assert_allclose(parts.cyclic.sum(axis=1), 0.0, atol=1e-12)
    np.testing.assert_allclose(np.sum(parts.cyclic * parts.transitive), 0.0, atol=1e-12)  # orthogonal


def test_noise_is_not_taken_for_cycles(rng: np.random.Generator) -> None:
    """A ladder seen through few battles: its two halves show cycles, their covariance does not."""
    strength = np.linspace(-0.15, 0.15, 40)
    true = 0.5 + strength[:, None] - strength[None, :]

    def seen() -> np.ndarray:
        upper = np.triu(rng.binomial(4, np.clip(true, 0, 1)) / 4, 1)
        return upper + np.tril(1.0 - upper.T, -1) + 0.5 * np.eye(40)

    one, two = seen(), seen()
    assert balance.cyclic_share(one, one) > 0.4
    assert abs(balance.cyclic_share(one, two)) < 0.1


def test_the_census_and_payoffs_of_a_small_roster(plain: Roster) -> None:
    game = Duel(plain)
    seen = balance.census(game, "rusher", 400, seed=1)
    assert seen["battles"] == 400 and 0 <= seen["knock_out_share"] <= 1
    assert "idle" not in seen["skills_unseen"] and seen["scrolls_unseen"] == seen["summons_unseen"] == []
    assert "haste" in seen["buffs_unseen"] and "burn" not in seen["buffs_unseen"]
    payoff = balance.payoffs(game, "rusher", 10, seed=1)
    assert payoff.shape == (2, 2) and payoff[0, 1] + payoff[1, 0] == 1.0 and payoff[0, 0] == 0.5
    rates = balance.sampled_win_rates(game, "rusher", 1, 10, seed=1)
    assert rates.sum() == pytest.approx(1.0)
    assert balance.mirror(game, "rusher", 50, seed=1)["games"] == 100


def test_tuning_moves_health_against_the_win_rate(plain_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(plain_folder, tmp_path / "roster")
    write_health(tmp_path / "roster", {"anvil": 1500, "reed": 1600})
    before = load_roster(tmp_path / "roster")
    assert before.characters["max_health_hp"].tolist() == [1500, 1600]
    rates = balance.sampled_win_rates(Duel(before), "rusher", 40, 2, seed=3)
    command.tune(tmp_path / "roster", "rusher", rounds=1, seed=3)
    after = load_roster(tmp_path / "roster")
    moved = after.characters["max_health_hp"] - before.characters["max_health_hp"]
    np.testing.assert_array_equal(np.sign(moved), np.sign(0.5 - rates))
    np.testing.assert_array_equal(after.moves, before.moves)


def test_the_command_writes_its_result_or_says_why_not(
    plain_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"roster": str(plain_folder), "bot": "punisher", "games": 2, "mirror_games": 1, "tune_rounds": 0, "seed": 1,
             "policies": [], "out_roster": ""}  # fmt: skip
    out, census = tmp_path / "made" / "balance.json", balance.census
    monkeypatch.setattr(balance, "census", lambda roster, bot, decisions, seed: census(roster, bot, 700, seed))
    monkeypatch.setattr(command, "FLAGS", SimpleNamespace(**given, out=str(out)))
    with full_disk(100), pytest.raises(SystemExit, match=r"^error: .*balance.json cannot be written: [^\n]*$"):
        command.main()
    assert "balance under punisher" in capsys.readouterr().out and not list(out.parent.iterdir())
    command.main()
    result = files.read_json(out)
    assert result["bot"] == "punisher" and len(result["win_rates"]) == 2
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last == {name: value for name, value in result.items() if name != "win_rates"}
