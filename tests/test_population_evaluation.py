"""A whole evaluation of runs whose strength is known: every table says who wins, and nothing else."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from camtf.algorithms import population as population_of
from camtf.checkpoint import RunDirectory
from camtf.config import ConfigError, override
from camtf.evaluation import fights, population
from camtf.evaluation.coding import to_json
from camtf.evaluation.exploitation import Trained, exploiter_fight, exploiter_found
from camtf.evaluation.fights import Fighter
from camtf.evaluation.population import evaluate
from camtf.evaluation.record import EvaluationRecord
from camtf.evaluation.report.text import evaluation_tables, flat_summary
from camtf.evaluation.sides import held_out
from camtf.evaluation.subject import Options
from camtf.population.measuring import strategies_side
from camtf.population.training import Context
from tests.ladder import CONFIG, GAME, IDS, always, ladder_run

SMALL = dataclasses.replace(CONFIG, evaluation=dataclasses.replace(CONFIG.evaluation, games=6, bot_games=8))
OPTIONS = Options(seed=3, against=("specialist",), opponents=("other",))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run, where player 1 is behind player 2 until its Specialist passes everybody and the other's falls; and
    another run, which is as good as that Specialist."""
    folder = tmp_path_factory.mktemp("ladder")
    ladder_run(folder / "run", [(0, 1), (1, 2)], specialists=(3, 0), value=0.25)
    ladder_run(folder / "other", [(0, 0), (3, 3)])
    return folder


def evaluated(folder: Path) -> EvaluationRecord:
    run = ladder_run_again(folder / "run")
    return evaluate(run, dataclasses.replace(OPTIONS, opponents=(str(folder / "other"),)))


def ladder_run_again(path: Path) -> Context:
    return Context(SMALL, GAME, RunDirectory(path))


@pytest.fixture(scope="module")
def found(folder: Path) -> EvaluationRecord:
    return evaluated(folder)


def test_win_rates_are_of_the_row(found: EvaluationRecord) -> None:
    """Rows 1 and 2 against the same, then 3 and 0 against them. Swapping who wins, Specialist and Generalist, or own
    and opponent's character changes each of these."""
    assert [kind.name for kind in found.kinds] == ["generalist", "specialist"]
    assert [(o.name, o.group) for o in found.opponents] == [
        ("trained", "trained"), ("other", "held_out"), ("bots", "bots"), ("specialist", "players"),
    ]  # fmt: skip
    expected = {
        ("generalist", "trained"): [[0.5, 0.0], [1.0, 0.5]],
        ("specialist", "trained"): [[1.0, 1.0], [0.0, 0.0]],
        ("generalist", "other"): [[0.0, 0.0], [0.0, 0.0]],
        ("specialist", "other"): [[0.5, 0.5], [0.0, 0.0]],
        ("generalist", "specialist"): [[0.0, 1.0], [0.0, 1.0]],
        ("specialist", "specialist"): [[0.5, 1.0], [0.0, 0.5]],
    }
    for (kind, opponents), rates in expected.items():
        assert found.table(kind, opponents).mean[:, 0].tolist() == rates, (kind, opponents)
    assert found.table("specialist", "trained").rows.tolist() == [1.0, 0.0]
    assert found.table("generalist", "trained").games == 6


def test_bots_meet_every_kind(found: EvaluationRecord) -> None:
    """Against one that draws two rows of five, row r is ahead by chance: row 3 more often than row 2, 1, 0."""
    assert found.opponents_named("bots").strategies == ("random",)
    generalist, specialist = (found.table(kind, "bots").rows for kind in ("generalist", "specialist"))
    assert specialist[0] > generalist[1] > specialist[1]
    assert found.table("specialist", "bots").rate(0, 0)["games"] == 8


def test_gains_are_of_the_specialist(found: EvaluationRecord) -> None:
    gain = found.gain("specialist", "generalist", "trained")
    assert gain.mean[:, 0].tolist() == [[0.5, 1.0], [-1.0, -0.5]]
    assert gain.rows.tolist() == [0.75, -0.75] and gain.errors.tolist() == [0.0, 0.0]
    assert {(g.kind, g.control) for g in found.gains} == {("specialist", "generalist")}
    assert {g.opponents for g in found.gains} == {"trained", "other", "bots", "specialist"}


def test_later_strategies_are_the_rows(found: EvaluationRecord) -> None:
    """(1, 2) against (0, 1): three of four pairs are won, one is even."""
    assert found.strategies.names == ("round_01", "round_02")
    assert found.strategies.mean.tolist() == [[0.5, 0.125], [0.875, 0.5]]


def test_relative_performance_is_of_this_run(found: EvaluationRecord) -> None:
    """The other's last strategy beats all of this run's."""
    assert found.performance[0].value == pytest.approx(-1.0) and not found.performance[0].mean.any()


def test_advantages_are_of_the_newer(found: EvaluationRecord) -> None:
    """Two rounds of reward r at discount 1/2: returns of 1.5 r and r, so 1.25 r, less what the prior's critic expects:
    0.25 scaled, 0.5 in reward."""
    of = {(a.player, a.prior): a.mean for a in found.advantages}
    assert of.keys() == {("round_02", "round_01"), ("specialist", "generalist")}
    np.testing.assert_allclose(of["round_02", "round_01"], [[1.25, 0.0], [1.25, 1.25]], atol=1e-6)
    np.testing.assert_allclose(of["specialist", "generalist"], [[0.75, 0.75], [-1.75, -1.75]], atol=1e-6)
    deviation = found.advantages[1].deviation
    np.testing.assert_allclose(deviation, [[1.25, 1.25], [-1.25, -1.25]], atol=1e-6)


def test_exploiters_are_measured_against_the_mixture(folder: Path) -> None:
    """The later strategy, (1, 2), is all of the equilibrium. Row 2 beats the one half and ties with the other; against
    the earlier one, (0, 1), it would win all."""
    context = ladder_run_again(folder / "run")
    strategies = population_of(context)
    hunter = Trained(always(context, "hunter", 2), 1, None, 64)
    fight = exploiter_fight(context, hunter, strategies, strategies_side(context, strategies), 16, seed=1)
    played = Fighter(GAME, RunDirectory(folder / "hunted")).play(fight)
    made = exploiter_found(context, hunter, strategies, fight, played)
    assert made.mixture.tolist() == [0.0, 1.0] and made.win_rate == 0.75 and made.games == 32
    assert made.error == 0.0 and made.start == "" and made.digest == hunter.snapshot.digest


def test_an_evaluation_trains_its_exploiters(tmp_path: Path) -> None:
    """From scratch, since a network for each character is no start for all: it finds a row that wins. Evaluated again,
    nothing is trained again."""
    context = ladder_run(tmp_path, [(0, 1), (2, 1)])
    config = override(SMALL, {"ppo.learning_rate": 0.02})
    context = Context(config, GAME, context.run)
    options = Options(seed=1, exploiters=1, exploiter_frames=6_000)
    found = evaluate(context, options)
    (made,) = found.exploiters
    assert made.win_rate > 0.9 and made.frames == 6_000 and made.start == "" and made.target == ("round_01", "round_02")
    file = next((tmp_path / "exploiters").glob("*.npz"))
    written = file.stat().st_mtime_ns
    (again,) = evaluate(context, options).exploiters
    assert (again.digest, again.win_rate) == (made.digest, made.win_rate)
    assert file.stat().st_mtime_ns == written


def test_behaviour_is_of_each_kind(found: EvaluationRecord) -> None:
    generalist, specialist = found.behaviour
    assert generalist.skill.tolist() == [[0, 1, 0, 0, 0], [0, 0, 1, 0, 0]]
    assert specialist.skill.tolist() == [[0, 0, 0, 1, 0], [1, 0, 0, 0, 0]]
    assert generalist.battles == 12 and generalist.decisions.tolist() == [24, 24]
    assert specialist.timing[0, 3, :2].tolist() == [1.0, 1.0] and np.isnan(specialist.timing[0, 3, 2])
    assert specialist.legal.tolist() == [[1.0] * 5] * 2 and not specialist.skill_noise.any()
    for diversity in found.diversity:
        assert diversity.mean == pytest.approx(2**0.5) and diversity.error < 1e-12


def test_social_graphs_are_of_each_row(found: EvaluationRecord) -> None:
    """Player 1 as a Generalist is beaten by player 2 alone, player 2 by nobody, itself half the time."""
    generalist, specialist = found.social_graphs
    np.testing.assert_allclose(generalist.sigma, [[1 / 3, 2 / 3], [0.0, 1.0]])
    np.testing.assert_allclose(specialist.entropy, [np.log(2)] * 2)
    np.testing.assert_allclose(generalist.deviation.sum(axis=0), 0.0, atol=1e-12)


def test_who_always_does_the_same_says_nothing_of_the_other(found: EvaluationRecord) -> None:
    for information in found.information:
        assert information.value.shape == (2, 2) and information.states == 8
        assert np.abs(information.value).max() < 1e-6 and np.abs(information.null).max() < 1e-6


def test_a_record_says_what_was_measured(found: EvaluationRecord, folder: Path) -> None:
    run = ladder_run_again(folder / "run").run
    for name in ("round_01_player_1", "round_02_player_2"):
        assert found.weights[name] == run.read_snapshot(run.generalist_file(name)).digest
    assert found.weights[IDS[0]] == run.read_snapshot(run.specialist_file(IDS[0])).digest
    assert found.characters == IDS and found.game_digest == GAME.digest and found.ranks == 1
    text = evaluation_tables(found)
    assert "gain over generalist" in text and "the population of another run, other" in text and "round_02" in text
    summary = flat_summary(found)
    assert summary["specialist_win_rate_player_1"] == 1.0 and summary["gain_over_generalist_against_trained"] == 0.0


def test_an_interrupted_evaluation_goes_on(
    found: EvaluationRecord, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped, and in lots of another size, it ends with the same record, number by number."""
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "run" / "evaluation")
    monkeypatch.setattr(fights, "LOT", 9)
    whole, left = fights.play_lot, [5]

    def stopped(*given: object) -> dict[str, np.ndarray]:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return whole(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(fights, "play_lot", stopped)
    with pytest.raises(KeyboardInterrupt):
        evaluated(tmp_path)
    assert len(list((tmp_path / "run" / "evaluation").glob("*.npz"))) == 5
    left[0] = 10**6
    again = evaluated(tmp_path)
    assert to_json(dataclasses.replace(again, run=found.run)) == to_json(found)


def test_parts_of_another_evaluation_are_not_taken(folder: Path, tmp_path: Path, found: EvaluationRecord) -> None:
    """With another Specialist the battles that it plays are new, and the parts of the one before are removed."""
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    before = {file.name for file in (tmp_path / "run" / "evaluation").iterdir()}
    shutil.rmtree(tmp_path / "run")
    ladder_run(tmp_path / "run", [(0, 1), (1, 2)], specialists=(4, 0), value=0.25)
    shutil.copytree(folder / "run" / "evaluation", tmp_path / "run" / "evaluation")
    other = evaluated(tmp_path)
    assert other.table("specialist", "other").rows.tolist() == [1.0, 0.0]
    assert other.table("generalist", "trained").mean.tolist() == found.table("generalist", "trained").mean.tolist()
    after = {file.name for file in (tmp_path / "run" / "evaluation").iterdir()}
    assert len(after) == len(before) and 0 < len(after & before) < len(before)


def test_controls_are_kinds(folder: Path, tmp_path: Path) -> None:
    """What the run has of them; the Generalists that Specialists start from are no kind of their own."""
    shutil.copytree(folder / "run", tmp_path / "run")
    context = ladder_run_again(tmp_path / "run")
    strategies = population_of(context)
    control = [always(context, f"own_critic_{i}", row) for i, row in zip(IDS, (4, 3), strict=True)]
    for number, (i, snapshot) in enumerate(zip(IDS, control, strict=True)):
        about = {"generalist": strategies.of(number).digest}
        context.run.write_snapshot(context.run.control_file("own_critic", i), snapshot, about)
    subject = population.Subject(context, Options(seed=1))
    assert [kind.name for kind in subject.kinds] == ["generalist", "specialist", "own_critic"]
    assert subject.kinds[2].found.digests == tuple(s.digest for s in control)
    assert subject.weights()["own_critic/player_2"] == control[1].digest
    assert [(own.name, prior.name) for own, prior in subject.iterations][1:] == [
        ("specialist", "generalist"), ("own_critic", "generalist"),
    ]  # fmt: skip


def test_what_does_not_fit_is_refused(folder: Path) -> None:
    context = ladder_run_again(folder / "run")
    with pytest.raises(ConfigError, match="--against must be of generalist, specialist; got 'nobody'"):
        population.Subject(context, Options(seed=1, against=("nobody",)))
    with pytest.raises(ConfigError, match="--opponents must be other runs, each once"):
        population.Subject(context, Options(seed=1, opponents=(str(folder / "run"),)))
    other = dataclasses.replace(context, game=dataclasses.replace(GAME, rounds=3))
    with pytest.raises(ConfigError, match=r"--opponents: x was trained on the game \w{16} \(rules and roster\), this"):
        held_out(context, "x", other, population_of(other))
    alone = dataclasses.replace(context, config=override(SMALL, {"game.characters": IDS[:1]}))
    with pytest.raises(ConfigError, match="--opponents: x was not trained with player_2"):
        held_out(context, "x", alone, population_of(context))
