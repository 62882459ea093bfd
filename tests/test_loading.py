"""Which game a configuration means, and who plays in it."""

from __future__ import annotations

import pytest
from absl import flags

from camtf import train
from camtf.config import ConfigError, override, preset
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


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("chess", r"game.name must be duel or module:attribute, got 'chess'"),
        ("tests.small_game:", r"game.name must be duel or module:attribute, got 'tests.small_game:'"),
        ("tests.nowhere:GUESS", r"the module 'tests.nowhere' cannot be imported: No module named 'tests.nowhere'"),
        ("tests.small_game:CHESS", r"the module 'tests.small_game' has no 'CHESS'"),
        ("tests.small_game:NO_GAME", r"'tests.small_game:NO_GAME' gives str, which is no Game: it needs 'name', a str"),
        ("tests.small_game:make_nothing", r"gives NoneType, which is no Game: it needs 'name', a str"),
        ("tests.small_game:make_without_config", r"must be a Game or take one argument, the Config: too many"),
        ("tests.small_game:GuessMatches", r"must be a Game or take one argument, the Config: missing"),
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
    flags.FLAGS(["train", "--run_dir=x", "--preset=test", "--game=tests.small_game:GUESS"])
    assert train.config_from_flags().game.name == "tests.small_game:GUESS"
