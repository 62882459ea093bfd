"""Games of OpenSpiel: the tables against OpenSpiel's own states, seats, chance, what is seen."""

from __future__ import annotations

import itertools
import runpy
import sys
from typing import Any

import numpy as np
import pyspiel
import pytest

from camtf.games import open_spiel
from camtf.games.open_spiel import GOOFSPIEL_4, KUHN_POKER, LEDUC_POKER, OpenSpielGame, OpenSpielMatches, goofspiel
from camtf.types import Observation

SMALL = (KUHN_POKER, LEDUC_POKER, GOOFSPIEL_4)


def seats(matches: int) -> np.ndarray:
    """Player 0 sits first in every other match."""
    first = np.arange(matches) % 2
    return np.stack([first, 1 - first])


def random_actions(seen: Observation, rng: np.random.Generator) -> np.ndarray:
    """Uniform over what is legal."""
    actions = (seen.mask.shape[-1] - 1) // 2
    skill = (seen.mask[..., 1 : 1 + actions] * rng.uniform(0.1, 1.0, (*seen.mask.shape[:-1], actions))).argmax(-1)
    return np.stack([np.zeros_like(skill), skill], axis=-1).astype(np.int32)


@pytest.mark.parametrize("game", SMALL, ids=lambda game: game.game.split("(")[0])
def test_the_tables_are_the_game(game: OpenSpielGame) -> None:
    """Every history of OpenSpiel's, walked through beside the tables."""
    tree, seen, met = game.tree, game.information_states, [0]
    loaded = pyspiel.load_game(game.game)
    wait = loaded.num_distinct_actions()

    def walk(state: Any, node: int, reach: float) -> None:
        met[0] += 1
        assert tree.chance_reach[node] == pytest.approx(reach)
        assert tree.end[node] == state.is_terminal() and tree.chance[node] == state.is_chance_node()
        if state.is_terminal():
            assert tree.returns[node] == state.returns()[0] == -state.returns()[1]
        elif state.is_chance_node():
            below = 0.0
            for k, (outcome, probability) in enumerate(state.chance_outcomes()):
                child, below = tree.first_child[node] + k, below + probability
                assert tree.outcome_end[child] == pytest.approx(below)
                walk(state.child(outcome), child, reach * probability)
        else:
            turn = state.current_player()
            legal = [state.legal_actions(p) if turn in (p, -2) else [wait] for p in range(2)]
            for p in range(2):
                here = tree.info[node, p]
                assert tree.seat[here] == p and np.flatnonzero(tree.legal[here]).tolist() == legal[p]
                assert seen.basic[here].tolist() == np.array(state.information_state_tensor(p), np.float32).tolist()
                assert seen.element[here, :, 0].tolist() == [p, 1 - p]
                assert seen.mask[here, 0] == 1 and np.flatnonzero(seen.mask[here, 1:]).tolist() == legal[p]
            for k, (first, second) in enumerate(itertools.product(*legal)):
                child = state.clone()
                if turn == -2:
                    child.apply_actions([first, second])
                else:
                    child.apply_action((first, second)[turn])
                assert tree.action[tree.first_child[node] + k].tolist() == [first, second]
                walk(child, tree.first_child[node] + k, reach)

    walk(loaded.new_initial_state(), 0, 1.0)
    assert met[0] == len(tree.end)
    assert len(
        {(int(tree.seat[i]), bool(tree.acting[i]), seen.basic[i].tobytes()) for i in range(len(tree.seat))}
    ) == len(tree.seat)
    assert tree.remembers


def test_a_hand_of_kuhn_poker() -> None:
    """Player 1 sits first in the second match. The first seat bets, the second folds or calls."""
    game = KUHN_POKER.make(5, np.arange(2))
    seen = game.reset(seats(2))
    assert seen.element[..., 0].tolist() == [[[0, 1], [1, 0]], [[1, 0], [0, 1]]]
    turn = seen.mask[..., 1:4]
    assert turn.tolist() == [[[1, 1, 0], [0, 0, 1]], [[0, 0, 1], [1, 1, 0]]]  # pass, bet, wait
    cards = seen.basic[..., 2:5].argmax(-1)
    seen, step = game.step(np.array([[[0, 1], [0, 2]], [[0, 2], [0, 1]]]), seen)
    assert not step.done.any() and not step.reward.any() and (step.outcome == 0.5).all()
    _, step = game.step(np.array([[[0, 2], [0, 1]], [[0, 0], [0, 2]]]))
    assert step.done.all()
    showdown = 2.0 if cards[0, 1] > cards[1, 1] else -2.0
    assert step.reward.tolist() == [[1.0, showdown], [-1.0, -showdown]]
    assert step.outcome.tolist() == [1.0, 0.5 + showdown / 4]


def test_rewards_and_outcomes_as_the_options_say(rng: np.random.Generator) -> None:
    kinds = [goofspiel(4), goofspiel(4, outcome="payoff"), OpenSpielGame(GOOFSPIEL_4.game, reward_scale=0.1)]
    assert len({kind.digest for kind in kinds}) == 3
    games = [kind.make(0, np.arange(200)) for kind in kinds]
    for game in games:
        seen = game.reset(seats(200))
    for _ in range(3):
        actions = random_actions(seen, rng)
        (seen, plain), (_, counted), (_, scaled) = (game.step(actions) for game in games)
    assert plain.done.all() and len(set(plain.reward[0])) > 5
    assert (plain.reward[1] == -plain.reward[0]).all()
    np.testing.assert_allclose(scaled.reward, 0.1 * plain.reward, rtol=1e-6)
    assert np.array_equal(plain.outcome, 0.5 + 0.5 * np.sign(plain.reward[0]))
    largest = np.abs(GOOFSPIEL_4.tree.returns).max()
    np.testing.assert_allclose(counted.outcome, 0.5 + 0.5 * plain.reward[0] / largest, rtol=1e-6)


def test_seats_are_taken_as_assigned_and_each_once() -> None:
    game = GOOFSPIEL_4.make(0, np.arange(2))
    seen = game.reset(np.array([[0, 1], [1, 0]]))
    assert seen.element[:, :, 0, 0].tolist() == [[0, 1], [1, 0]]
    game.assign(np.array([[1, 1], [0, 0]]))
    with pytest.raises(ValueError, match="match 1: one player must have each role, got 0 for both"):
        game.assign(np.array([[1, 0], [0, 0]]))
    assert game.observe().element[0, :, 0, 0].tolist() == [0, 1]  # from the next start on
    for _ in range(3):
        seen, step = game.step(random_actions(seen, np.random.default_rng(0)))
    assert step.done.all() and seen.element[0, :, 0, 0].tolist() == [1, 1]


def test_chance_is_fair_and_new_in_every_match_and_episode() -> None:
    """Deals of Kuhn poker: 6, each as likely; those of one episode say nothing of the next."""
    game = KUHN_POKER.make(3, np.arange(6000))
    deals = []
    for _ in range(2):
        seen = game.reset(np.tile([[0], [1]], 6000))
        deals.append(3 * seen.basic[0, :, 2:5].argmax(-1) + seen.basic[1, :, 2:5].argmax(-1))
    counts = np.bincount(deals[0], minlength=9)
    assert (counts[[0, 4, 8]] == 0).all() and np.abs(counts[[1, 2, 3, 5, 6, 7]] - 1000).max() < 150
    assert abs((deals[0] == deals[1]).mean() - 1 / 6) < 0.025


def play(game: OpenSpielMatches, steps: int, matches: np.ndarray) -> list[np.ndarray]:
    """Ends and rewards of some steps; all chance of the actions belongs to the global id of a match."""
    seen, told = game.observe(), []
    rng = np.random.default_rng(11)
    for _ in range(steps):
        everyone = rng.uniform(0.1, 1.0, (64, 2, game.spec.skills))
        skill = (seen.mask[..., 1 : 1 + game.spec.skills] * everyone[matches].swapaxes(0, 1)).argmax(-1)
        game.assign(np.stack([everyone[matches, 0, 0] > 0.5, everyone[matches, 0, 0] <= 0.5]).astype(int))
        seen, step = game.step(np.stack([np.zeros_like(skill), skill], axis=-1), seen)
        told += [step.done.copy(), step.reward[0].copy(), seen.basic.sum(axis=(0, 2))]
    return told


def test_any_number_of_ranks_plays_the_same() -> None:
    def run(ids: np.ndarray, seed: int = 7) -> np.ndarray:
        game = LEDUC_POKER.make(seed, ids)
        game.reset(np.repeat([[0], [1]], len(ids), axis=1))
        return np.stack(play(game, 40, ids))

    everyone, odd = run(np.arange(64)), np.arange(1, 64, 2)
    assert np.array_equal(everyone[:, odd], run(odd))
    assert not np.array_equal(everyone, run(np.arange(64), seed=8))


def test_its_state_is_all_that_the_future_depends_on() -> None:
    ids = np.arange(20)
    one, two = (LEDUC_POKER.make(1, ids) for _ in range(2))
    one.reset(seats(20))
    play(one, 17, ids)
    two.restore(one.state())
    for a, b in zip(play(one, 30, ids), play(two, 30, ids), strict=True):
        assert np.array_equal(a, b)
    with pytest.raises(ValueError, match=r"'node' has shape \(20,\), this game needs \(3,\)"):
        LEDUC_POKER.make(1, np.arange(3)).restore(one.state())
    with pytest.raises(ValueError, match=r"state is of another game: node [0-9]+ of 58"):
        KUHN_POKER.make(1, ids).restore(one.state())


@pytest.mark.parametrize(
    ("given", "said"), [((0, 2), "a skill of .0, 1.$"), ((0, 7), "illegal action"), ((1, 0), "illegal action")]
)
def test_an_illegal_action_is_refused_and_nothing_is_played(given: tuple[int, int], said: str) -> None:
    game = KUHN_POKER.make(0, np.arange(3))
    game.reset(np.array([[0, 0, 1], [1, 1, 0]]))
    before, actions = game.state(), np.array([[[0, 0], [0, 0], [0, 2]], [[0, 2], [0, 2], [0, 0]]])
    actions[1, 2] = given
    with pytest.raises(ValueError, match=rf"match 2, player 1: illegal action \({given[0]}, {given[1]}\)"):
        game.step(actions)
    with pytest.raises(ValueError, match=said):
        game.step(actions)
    assert all(np.array_equal(before[name], array) for name, array in game.state().items())


def past(game: OpenSpielGame, state: np.ndarray) -> np.ndarray:
    """The last decisions as `last8` shows them in one information state, ``[8, 2, K]``."""
    return game.information_states.basic[state, game.spec.environment_width :].reshape(8, 2, -1)


def test_the_last_decisions_where_all_is_open(rng: np.random.Generator) -> None:
    """In Leduc poker both seats know what was played, a wait too."""
    game = OpenSpielGame("leduc_poker", memory="last8")
    matches = game.make(0, np.arange(30))
    seen, played = matches.reset(seats(30)), []
    running, looked_at = np.ones(30, bool), 0
    for _ in range(4):
        actions = random_actions(seen, rng)
        played = [actions[..., 1].T, *played]
        seen, step = matches.step(actions)
        running &= ~step.done
        for b in np.flatnonzero(running):
            shown = past(game, matches.information_state[0, b])
            assert shown[: len(played)].argmax(-1).tolist() == [p[b].tolist() for p in played]
            assert (shown[: len(played)].sum(-1) == 1).all() and not shown[len(played) :].any()
            looked_at += 1
    assert looked_at > 60
    assert np.array_equal(game.tree.last_actions(2), game.tree.last_actions(8)[:, :2])


def test_the_last_decisions_show_hidden_bids_only_where_a_seat_can_know_them() -> None:
    """Goofspiel with 4 cards. A tie gives the other's bid away, and so does losing to the only higher card."""
    game = goofspiel(4, "last8")
    matches = game.make(0, np.arange(3))
    matches.reset(np.array([[0, 0, 0], [1, 1, 1]]))
    matches.step(np.array([[[0, 1], [0, 2], [0, 3]], [[0, 1], [0, 3], [0, 0]]]))
    own = [past(game, state)[0] for state in matches.information_state[0]]
    assert [o[0].argmax() for o in own] == [1, 2, 3]
    assert own[0][1].tolist() == [0, 1, 0, 0] and own[1][1].tolist() == [0, 0, 0, 1]
    assert own[2][1].tolist() == [0, 0, 0, 0]  # the highest card wins whatever the other bid
    assert past(game, matches.information_state[1, 2])[0, 1].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("game", (LEDUC_POKER, GOOFSPIEL_4), ids=lambda game: game.game.split("(")[0])
def test_in_a_short_game_the_last_decisions_are_the_whole_past(game: OpenSpielGame) -> None:
    brief = OpenSpielGame(game.game, memory="last8")
    seen, tree = brief.information_states, brief.tree
    deciding = np.flatnonzero(tree.acting)
    assert len({(int(tree.seat[i]), seen.basic[i].tobytes()) for i in deciding}) == len(deciding)
    without = {(int(tree.seat[i]), seen.basic[i, : brief.spec.environment_width].tobytes()) for i in deciding}
    assert len(without) < len(deciding)
    assert brief.digest != game.digest


def test_a_game_without_an_information_state_tensor_shows_its_observation() -> None:
    game = OpenSpielGame("oshi_zumo(coins=3,size=1,horizon=6)")
    assert game.spec.environment_width == int(np.prod(pyspiel.load_game(game.game).observation_tensor_shape()))
    assert game.spec.skills == 4  # both always choose: nobody waits


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"game": "bridge_of_sighs"}, "OpenSpiel does not know the game 'bridge_of_sighs'"),
        ({"game": "kuhn_poker(players=3)"}, r"'kuhn_poker\(players=3\)' must be a zero-sum game of two players"),
        ({"game": "matrix_pd"}, "'matrix_pd' must be a zero-sum game of two players"),
        ({"game": "backgammon"}, "'backgammon' has no information states"),
        ({"game": "kuhn_poker", "memory": "last9"}, "memory must be one of full, last8; got 'last9'"),
        ({"game": "kuhn_poker", "outcome": "chips"}, "outcome must be one of winner, payoff; got 'chips'"),
    ],
)
def test_what_cannot_be_played_is_refused(arguments: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        OpenSpielGame(**arguments)  # type: ignore[arg-type]


def test_a_game_larger_than_the_limit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"leduc_poker\(\) has more than 1000 histories"):
        _ = OpenSpielGame("leduc_poker", limit=1000).spec


def test_the_tree_is_walked_through_once() -> None:
    assert OpenSpielGame("leduc_poker").tree is LEDUC_POKER.tree


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspiel", None)
    with pytest.raises(ImportError, match=r"open_spiel needs pyspiel; install camtf\[open_spiel\]"):
        runpy.run_path(open_spiel.__file__)
