"""The observation for other networks."""

from __future__ import annotations

import numpy as np

from camtf.games.duel.env import DuelGame
from camtf.games.duel.flat import LEGAL_COUNT, FlatModules
from camtf.games.duel.roster import Roster
from camtf.games.duel.roster.loader import ELEMENT_IDS
from camtf.types import Observation
from tests.playing import random_actions


def seen(roster: Roster, rng: np.random.Generator) -> Observation:
    """What player 0 sees after some random play of mixed characters."""
    game = DuelGame(roster, 64, 3)
    observation = game.reset(rng.integers(0, len(roster), (2, 64)))
    for _ in range(60):
        observation, _ = game.step(random_actions(observation, rng))
    return Observation(*(x[0] for x in observation))


def test_a_flat_row_is_the_modules_one_after_the_other(roster: Roster, rng: np.random.Generator) -> None:
    modules, observation = FlatModules(roster), seen(roster, rng)
    parts = (
        observation.basic,
        observation.buff,
        modules.elements(observation.element),
        observation.mask[:, :LEGAL_COUNT],
    )
    expected = np.concatenate([part.reshape(64, -1) for part in parts], axis=1)
    flat = modules.flat(observation)
    assert flat.dtype == np.float32 and flat.shape == (64, modules.width) and np.abs(flat).max() == 1.0
    np.testing.assert_array_equal(flat, expected)


def test_ids_are_one_hot_and_attributes_parts_of_their_range(roster: Roster, rng: np.random.Generator) -> None:
    element = seen(roster, rng).element
    rows = FlatModules(roster).elements(element)
    at = 0
    for i, count in list(enumerate(roster.id_counts))[1:]:
        hot = rows[..., at : at + count]
        assert (hot.sum(axis=-1) == 1.0).all() and (hot.argmax(axis=-1) == element[..., i]).all()
        at += count
    np.testing.assert_allclose(rows[..., at:], element[..., len(ELEMENT_IDS) :] / 1000)


def test_no_character_is_lost_with_its_number(roster: Roster) -> None:
    everyone = np.broadcast_to(roster.element_module[:, None], (len(roster), 2, roster.element_module.shape[1]))
    rows = FlatModules(roster).elements(everyone)
    assert len(np.unique(rows[:, 0], axis=0)) == len(roster)
