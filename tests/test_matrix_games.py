"""Matrix games: worked by hand, with known equilibria, and played by a network that has no fighters, buffs or ids."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from camtf.algorithms import train_population
from camtf.config import NetworkConfig, override, preset
from camtf.evaluation.exact import policy_table
from camtf.games.bots import uniform_legal
from camtf.games.matrix import MatrixGame, biased_rps, rock_paper_scissors, rps_with_sink, transitive_ladder
from camtf.games.protocol import BatchedGame
from camtf.model.policy import Policy
from camtf.types import Observation
from mobile.convert import ActModule, convert
from mobile.fold import fold
from mobile.runtime import SIGNATURE, load_interpreter
from tests.conftest import begun

ROCK, PAPER, SCISSORS = range(3)
RPS = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])


def choose(*rows: tuple[int, int]) -> np.ndarray:
    """Actions of both players, one pair of rows a match."""
    row = np.array(rows).T
    return np.stack([np.zeros_like(row), row], axis=-1).astype(np.int32)


def nobody(matches: int) -> np.ndarray:
    return np.zeros((2, matches), int)


def test_one_round() -> None:
    game = rock_paper_scissors().make(0, np.arange(3))
    seen = game.reset(nobody(3))
    assert seen.basic.shape == (2, 3, 1) and seen.buff.size == seen.element.size == 0
    assert seen.mask[0, 0].tolist() == [1, 1, 1, 1, 0, 0, 0]
    _, step = game.step(choose((PAPER, ROCK), (SCISSORS, SCISSORS), (PAPER, SCISSORS)))
    assert step.reward.tolist() == [[1, 0, -1], [-1, 0, 1]]
    assert step.done.all() and step.outcome.tolist() == [1.0, 0.5, 0.0]


def test_three_rounds_their_history_and_their_total() -> None:
    game = rock_paper_scissors(rounds=3, history=2).make(0, np.arange(2))
    seen = game.reset(nobody(2))
    assert (seen.basic == [1] + [0] * 12).all()
    seen, step = game.step(choose((PAPER, ROCK), (ROCK, PAPER)), seen)
    seen, step = game.step(choose((SCISSORS, PAPER), (ROCK, ROCK)), seen)
    assert not step.done.any() and (step.outcome == 0.5).all()
    left = pytest.approx(1 / 3)
    assert seen.basic[0, 0].tolist() == [left, 0, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 0]  # latest first, own before other's
    assert seen.basic[1, 0].tolist() == [left, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0]
    seen, step = game.step(choose((ROCK, PAPER), (SCISSORS, PAPER)), seen)
    assert step.done.all() and step.outcome.tolist() == [1.0, 0.5]
    assert (seen.basic == [1] + [0] * 12).all()


def test_a_match_counts_by_its_payoff() -> None:
    game = MatrixGame(RPS, rounds=4, outcome="payoff").make(0, np.arange(1))
    game.reset(nobody(1))
    for _ in range(3):
        game.step(choose((PAPER, ROCK)))
    assert game.step(choose((ROCK, PAPER)))[1].outcome.tolist() == [0.5 + 0.5 * (3 - 1) / 4]


@pytest.mark.parametrize("staggered", [False, True])
def test_its_state_is_all_that_the_future_depends_on(staggered: bool, rng: np.random.Generator) -> None:
    made = MatrixGame(RPS, rounds=5, copies=3)
    one, two = (made.make(1, np.arange(7), staggered) for _ in range(2))
    one.reset(rng.integers(0, 3, (2, 7)))
    for step in range(30):
        if step == 12:
            two.restore(one.state())
        characters, actions = rng.integers(0, 3, (2, 7)), choose(*rng.integers(0, 3, (7, 2)))
        one.assign(characters)
        a, step_a = one.step(actions)
        if step >= 12:
            two.assign(characters)
            b, step_b = two.step(actions)
            assert all(np.array_equal(x, y) for x, y in zip((*a, *step_a), (*b, *step_b), strict=True))
    with pytest.raises(ValueError, match=r"'round' has shape \(7,\), this game needs \(3,\)"):
        made.make(1, np.arange(3)).restore(one.state())


def test_staggered_matches_end_at_different_times_on_any_rank_the_same() -> None:
    made = rock_paper_scissors(rounds=60)

    def ends(ids: np.ndarray) -> np.ndarray:
        game = made.make(3, ids, staggered=True)
        game.reset(nobody(len(ids)))
        draw = choose(*[(ROCK, ROCK)] * len(ids))
        return np.array([game.step(draw)[1].done for _ in range(120)]).argmax(axis=0)

    everyone = ends(np.arange(64))
    assert len(set(everyone)) > 30 and everyone.max() < 60
    assert np.array_equal(everyone[[5, 40]], ends(np.array([5, 40])))


def test_copies_are_seen_and_play_alike() -> None:
    game = MatrixGame(RPS, copies=2).make(0, np.arange(2))
    seen = game.reset(np.array([[0, 1], [1, 1]]))
    assert seen.element[..., 0].tolist() == [[[0, 1], [1, 1]], [[1, 0], [1, 1]]]
    assert game.step(choose((PAPER, ROCK), (PAPER, ROCK)))[1].outcome.tolist() == [1, 1]
    with pytest.raises(ValueError, match=r"characters must be in \[0, 2\), got 0 to 2"):
        game.assign(np.array([[0, 1], [1, 2]]))


@pytest.mark.parametrize("wrong", [(0, 3), (0, -1), (1, 0)])
def test_an_illegal_action_is_refused_and_nothing_is_played(wrong: tuple[int, int]) -> None:
    game = rock_paper_scissors(rounds=2).make(0, np.arange(2))
    before = game.reset(nobody(2))
    actions = choose((PAPER, ROCK), (PAPER, ROCK))
    actions[1, 1] = wrong
    with pytest.raises(ValueError, match=rf"match 1, player 1: illegal action \({wrong[0]}, {wrong[1]}\)"):
        game.step(actions)
    assert np.array_equal(game.observe().basic, before.basic)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"payoff": np.zeros((2, 3))}, r"square matrix, got shape \(2, 3\)"),
        ({"payoff": np.zeros((0, 0))}, r"square matrix, got shape \(0, 0\)"),
        ({"payoff": np.array([[0, 1], [1, 0]])}, "antisymmetric"),
        ({"payoff": np.array([[0, np.nan], [np.nan, 0]])}, "antisymmetric and finite"),
        ({"payoff": RPS, "rounds": 0}, "rounds must be at least 1, got 0"),
        ({"payoff": RPS, "copies": 0}, "copies must be at least 1, got 0"),
        ({"payoff": RPS, "history": 12}, r"history must be in \[0, 8\] or a multiple of 8, got 12"),
        ({"payoff": RPS, "outcome": "points"}, "outcome must be one of winner, payoff; got 'points'"),
    ],
)
def test_what_is_no_matrix_game_is_refused(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        MatrixGame(**arguments)  # type: ignore[arg-type]


def test_digests_tell_games_apart() -> None:
    games = [rock_paper_scissors(), rock_paper_scissors(2), rock_paper_scissors(2, 1), biased_rps(), rps_with_sink()]
    assert len({game.digest for game in games}) == len(games)
    assert rock_paper_scissors().digest == games[0].digest


def test_sink_paper_and_scissors() -> None:
    payoff, e = rps_with_sink(rocks=8).payoff, 0.1
    sink, paper, scissors = np.full(10, e), np.eye(10)[8], np.eye(10)[9]
    assert (payoff @ sink).argmax() == 8 and (payoff @ paper).argmax() == 9
    a = 1 - 3 * e
    three = np.stack([sink, paper, scissors])
    row = np.array([1, a, a]) / (1 + 2 * a)
    np.testing.assert_allclose(three @ payoff @ three.T @ row, 0.0, atol=1e-12)
    np.testing.assert_allclose(payoff @ (row @ three), 0.0, atol=1e-12)  # together they play the whole game's


def test_rungs_are_found_one_by_one() -> None:
    payoff = transitive_ladder(rungs=4, bottoms=8).payoff
    found = [int((payoff @ np.full(11, 1 / 11)).argmax())]
    for _ in range(3):
        found.append(int(payoff[:, found[-1]].argmax()))
    assert found == [8, 9, 10, 10]
    assert (payoff[10, :10] > 0).all()
    assert (transitive_ladder(4).payoff @ np.full(4, 0.25)).argmax() == 3


def test_equilibrium_of_unequal_stakes() -> None:
    np.testing.assert_allclose(np.array([1, 10, 5]) / 16 @ biased_rps().payoff, 0.0, atol=1e-15)


def test_the_bot_plays_all_that_is_legal_equally_often(rng: np.random.Generator) -> None:
    game: BatchedGame = rock_paper_scissors().make(0, np.arange(3000))
    seen = Observation(*(leaf[1].copy() for leaf in game.reset(nobody(3000))))
    seen.mask[:, 1 + PAPER] = 0.0
    actions = uniform_legal(game, 1, seen, rng.random((3000, 4)).astype(np.float32))
    assert (actions[:, 0] == 0).all()
    counts = np.bincount(actions[:, 1], minlength=3)
    assert counts[PAPER] == 0 and abs(counts[ROCK] - 1500) < 150


@pytest.fixture(scope="module")
def policy() -> Policy:
    """For a game without fighters, buffs, ids and attributes; its heads are no longer almost uniform."""
    made = Policy(NetworkConfig(trunk=(16,)), rock_paper_scissors().spec, seed=1)
    head = {"skill/bias": np.array([0.5, -1.0, 1.5], np.float32)}
    made.set_weights({**made.get_weights(), **head})
    return made


def test_a_network_has_no_layer_for_what_a_game_lacks(policy: Policy) -> None:
    layers = ("masks", "trunk_1", "movement", "skill", "value")
    assert [v.path for v in policy.network.variables] == [f"{x}/{y}" for x in layers for y in ("kernel", "bias")]
    with_history = Policy(NetworkConfig(), rock_paper_scissors(3).spec).get_weights()
    assert with_history["history/kernel"].shape == (3, 6, NetworkConfig().history_filters)
    assert not {"fighters/kernel", "buffs/kernel", "ids/embeddings", "elements/kernel"} & set(with_history)


def test_its_actions_follow_its_table(policy: Policy, rng: np.random.Generator) -> None:
    made = rock_paper_scissors()
    mixture = np.zeros(policy.config.mixture_slots, np.float32)
    (table,) = policy_table(policy, made, mixture)
    seen = Observation(*(leaf[0] for leaf in made.make(0, np.arange(4000)).reset(nobody(4000))))
    uniforms = rng.uniform(1e-6, 1 - 1e-6, (4000, 4)).astype(np.float32)
    actions, log_prob, _ = policy.act(seen, np.tile(mixture, (4000, 1)), uniforms)
    np.testing.assert_allclose(np.exp(log_prob.numpy()), table[actions.numpy()[:, 1]], rtol=1e-5)
    np.testing.assert_allclose(np.bincount(actions.numpy()[:, 1]) / 4000, table, atol=0.04)


def test_training_takes_a_game_with_empty_modules(tmp_path: Path) -> None:
    """Self-play climbs the ladder from its lowest rung, on which a uniform policy stands with probability 8/11."""
    game, config = transitive_ladder(4, bottoms=8), preset("quickstart")
    config = override(config, {"game.matches": 64, "network.trunk": (32,), "ppo.reward_scale": 1.0})
    config = override(config, {"game.characters": (), "ppo.learning_rate": 3e-3})
    config = override(config, {"generalists.generations": 1, "generalists.frames": 60_000})
    (trained,) = train_population(begun(tmp_path / "run", game, config)).snapshots
    policy = Policy(config.network, game.spec)
    policy.set_weights(trained.weights)
    (table,) = policy_table(policy, game, trained.mixture[0])
    assert table[:8].sum() < 0.3 and table[10] > 0.4


def test_it_becomes_a_model_for_phones(policy: Policy) -> None:
    seen = rock_paper_scissors().information_states
    network = fold(policy, np.zeros(policy.config.mixture_slots, np.float32), np.zeros(0, np.int32))
    wanted = policy(seen, np.zeros((1, policy.config.mixture_slots), np.float32)).skill.numpy()
    np.testing.assert_allclose(network(Observation(*map(tf.constant, seen))).skill, wanted, rtol=1e-5, atol=1e-6)
    module = ActModule(network, seen._asdict(), ["movement", "skill"], 1)
    content = convert(module, ["float32"], seen._asdict())["float32"]
    for runtime in ("tflite_runtime", "litert"):
        runner = load_interpreter(content, runtime).get_signature_runner(SIGNATURE)
        given = {name: x for name, x in seen._asdict().items() if x.size}  # what the game lacks is no input
        np.testing.assert_allclose(runner(**given)["skill"], wanted, rtol=1e-5, atol=1e-6)
