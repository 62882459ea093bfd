"""Which game a configuration means, and who plays in it."""

from __future__ import annotations

import pytest
from absl import flags

from camtf import train
from camtf.config import ConfigError, override, preset
from camtf.games import matrix, open_spiel
from camtf.games.duel.game import Duel
from camtf.games.loading import load_game, participants
from tests import small_game

CONFIG = preset("test")


@pytest.mark.parametrize("name", ["", "duel"])
def test_the_duel_is_made_of_the_whole_configuration(name: str) -> None:
    config = override(CONFIG, {"game.name": name, "game.input_delay_ticks": 3, "reward.result": 2.0})
    game = load_game(config)
    assert isinstance(game, Duel) and game.name == "duel" and game.spec == Duel(game.roster).spec
    assert game.input_delay_ticks == 3 and game.reward == config.reward
    assert [game.characters[c] for c in participants(config, game)] == list(CONFIG.game.characters)
    everyone = participants(override(config, {"game.characters": ()}), game)
    assert [game.characters[c] for c in everyone] == [i for i in game.roster.ids if i not in game.roster.holdout]


def test_a_game_of_ones_own_by_its_name() -> None:
    assert load_game(override(CONFIG, {"game.name": "tests.small_game:GUESS"})) is small_game.GUESS
    made = load_game(override(CONFIG, {"game.name": "tests.small_game:make_guess", "seed": 8}))
    assert made.name == "guess for seed 8" and participants(override(CONFIG, {"game.characters": ()}), made) == (0, 1)
    assert participants(override(CONFIG, {"game.characters": ("bob",)}), made) == (1,)
    made = load_game(override(CONFIG, {"game.name": "tests.small_game:make_without_config"}))
    assert made is small_game.GUESS


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("camtf.games.matrix:rock_paper_scissors", matrix.rock_paper_scissors().digest),
        ("camtf.games.matrix:rock_paper_scissors(3, history=1)", matrix.rock_paper_scissors(3, 1).digest),
        ("camtf.games.matrix:rps_with_sink(rocks=4)", matrix.rps_with_sink(4).digest),
        ("camtf.games.matrix:transitive_ladder", matrix.transitive_ladder(4).digest),
        ("camtf.games.matrix:biased_rps", matrix.biased_rps().digest),
        ("camtf.games.open_spiel:KUHN_POKER", open_spiel.KUHN_POKER.digest),
        ("camtf.games.open_spiel:OpenSpielGame('kuhn_poker')", open_spiel.OpenSpielGame("kuhn_poker").digest),
    ],
)
def test_the_games_that_come_along_have_names(name: str, digest: str) -> None:
    assert load_game(override(CONFIG, {"game.name": name})).digest == digest


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("chess", r"game.name must be duel or module:attribute, got 'chess'"),
        ("tests.small_game:", r"game.name must be duel or module:attribute, got 'tests.small_game:'"),
        ("tests.nowhere:GUESS", r"the module 'tests.nowhere' cannot be imported: No module named 'tests.nowhere'"),
        ("tests.small_game:CHESS", r"the module 'tests.small_game' has no 'CHESS'"),
        ("tests.small_game:NO_GAME", r"'tests.small_game:NO_GAME' gives str, which is no Game: it needs 'name', a str"),
        ("tests.small_game:make_nothing", r"gives NoneType, which is no Game: it needs 'name', a str"),
        ("tests.small_game:GuessMatches", r"must be a Game or take one argument, the Config, or none: missing"),
        ("camtf.games.matrix:rock_paper_scissors(0)", r"rounds must be at least 1, got 0"),
        ("camtf.games.matrix:rock_paper_scissors(size=3)", r"unexpected keyword argument 'size'"),
        ("camtf.games.matrix:rock_paper_scissors(print(1))", r"the arguments must be numbers, texts and the like"),
        ("camtf.games.matrix:rock_paper_scissors(3", r"the arguments must be numbers, texts and the like"),
        ("camtf.games.matrix:rock_paper_scissors(3).make", r"'it is no call of a function'"),
        ("camtf.games.open_spiel:OpenSpielGame('chess_960')", r"OpenSpielGame\('chess_960'\)\": .*chess_960"),
        ("tests.small_game:UNTITLED", r"2 characters need as many titles, got 0"),
        ("tests.small_game:THREE_ROLES", r"characters that are roles must be two, got ann, bob, cid$"),
        ("tests.small_game:SHOUTED", r"of lower-case letters, digits and underscores; got Ann, Bob"),
    ],
)
def test_what_is_no_game_is_refused(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_game(override(CONFIG, {"game.name": name}))


def test_an_unknown_participant_is_named() -> None:
    with pytest.raises(ConfigError, match=r"game.characters: unknown character 'nobody'; guess has ann, bob$"):
        participants(override(CONFIG, {"game.characters": ("ann", "nobody")}), small_game.GUESS)
    with pytest.raises(ConfigError, match=r"unknown character 'nobody'; duel has ember_fox, .*\.\.\. \(320\)$"):
        participants(override(CONFIG, {"game.characters": ("nobody",)}), load_game(CONFIG))


def test_one_role_alone_is_refused() -> None:
    assert participants(override(CONFIG, {"game.characters": ("bob", "ann")}), small_game.ROLES) == (1, 0)
    with pytest.raises(ConfigError, match=r"those of guess are its roles, which take part together: ann, bob; got bob"):
        participants(override(CONFIG, {"game.characters": ("bob",)}), small_game.ROLES)


def test_the_command_line_names_the_game() -> None:
    train.define_flags()
    flags.FLAGS(["train", "--run_dir=x", "--preset=test", "--game=tests.small_game:GUESS", "--network=m:a"])
    config = train.config_from_flags()
    assert config.game.name == "tests.small_game:GUESS" and config.network.name == "m:a"
    assert config.game.characters == ()  # the preset's are the duel's
    flags.FLAGS(["train", "--run_dir=x", "--game=tests.small_game:GUESS", "--game.characters=bob"])
    assert train.config_from_flags().game.characters == ("bob",)
