"""The four modules, field by field, on the roster of round numbers."""

from __future__ import annotations

import numpy as np
import pytest

from camtf.games.duel import observation as layout
from camtf.games.duel.roster import Roster
from camtf.games.duel.roster.schema import MOVES
from camtf.games.duel.rules import constants as rules
from camtf.games.duel.state import COOLDOWNS, DASHING, HISTORY, SKILLS
from tests.playing import Duel


def field(duel: Duel, player: int, name: str, whose: int = 0) -> float:
    """A fighter field of the Basic module; ``whose`` 0 is the player's own."""
    return float(duel.observation.basic[player, 0, whose * layout.FIGHTER_WIDTH + layout.FIGHTER_FIELDS.index(name)])


def environment(duel: Duel, player: int, name: str) -> float:
    return float(duel.observation.basic[player, 0, layout.ENVIRONMENT_AT + layout.ENVIRONMENT_FIELDS.index(name)])


def test_moves_and_cooldowns_stand_in_the_rules_order() -> None:
    fields = layout.FIGHTER_FIELDS
    assert fields[fields.index("move_chain_1") :][: DASHING + 1] == (*(f"move_{move}" for move in MOVES), "move_dash")
    assert fields[fields.index("cooldown_skill_1") :][: len(COOLDOWNS)] == tuple(f"cooldown_{c}" for c in COOLDOWNS)


def test_both_see_themselves_first_and_forward_is_towards_the_other(plain: Roster) -> None:
    duel = Duel(plain, "anvil", "reed", 3000)
    duel.put(0, health_hp=250)
    assert field(duel, 0, "health") == 0.25 and field(duel, 0, "health", 1) == 1.0
    assert field(duel, 1, "health") == 1.0 and field(duel, 1, "health", 1) == 0.25
    for player in (0, 1):
        assert field(duel, player, "x") == pytest.approx(-1500 / 6000)
        assert field(duel, player, "facing") == 1.0 and field(duel, player, "facing", 1) == -1.0
        assert environment(duel, player, "dx") == pytest.approx(3000 / 12000)
        assert environment(duel, player, "near_x") == 1.0
    assert environment(duel, 0, "health_lead") == -0.75


def test_a_move_shows_its_phases(plain: Roster) -> None:
    duel = Duel(plain, "anvil", "reed", 3000)
    duel.play("stay attack")
    assert field(duel, 0, "move_chain_1") == 1.0 and field(duel, 1, "move_chain_1", 1) == 1.0
    assert [field(duel, 0, f"{phase}_left") for phase in ("startup", "active", "recovery")] == pytest.approx(
        [0, 3 / 40, 6 / 40]
    )
    assert field(duel, 0, "reach") == pytest.approx(1000 / 6000)
    duel.play(times=3)
    assert field(duel, 0, "move_chain_1") == 0.0


def test_cooldown_buff_and_projectile(plain: Roster) -> None:
    duel = Duel(plain, "anvil", "reed", 3000)
    duel.play("stay skill_1")
    duel.play()
    assert field(duel, 0, "cooldown_skill_1") == pytest.approx((90 - 6) / 90)
    own = duel.observation.basic[0, 0, layout.PROJECTILES_AT :][: layout.PROJECTILE_WIDTH]
    # Let go on the fourth tick at x = -1500, it has flown two ticks since.
    assert own.tolist() == pytest.approx([1, (3000 - 600) / 12000, 0, 300 / 600, 28 / 90])
    others = layout.FIGHTER_WIDTH + layout.PROJECTILES_AT
    seen = duel.observation.basic[1, 0, others:][: layout.PROJECTILE_WIDTH]
    # Reed's forward is the other way.
    assert seen.tolist() == pytest.approx([1, -(3000 - 600) / 12000, 0, -300 / 600, 28 / 90])
    duel.play(times=3)  # it hit on the last tick but one
    burn = duel.observation.buff[1, 0, 0, rules.BURN]
    assert burn[0] == pytest.approx(59 / 300) and burn[1] == pytest.approx(1 / 3) and burn[2] == pytest.approx(0.3)
    np.testing.assert_array_equal(duel.observation.buff[0, 0, 1], duel.observation.buff[1, 0, 0])


def test_history_shows_the_last_decisions_of_both(plain: Roster) -> None:
    duel = Duel(plain, "anvil", "reed", 6000)
    assert not duel.observation.basic[:, :, layout.HISTORY_AT :].any()
    duel.play("forward none", "back_up guard")
    duel.play("stay none", "down dash")
    history = duel.observation.basic[0, 0, layout.HISTORY_AT :].reshape(HISTORY, 2, layout.ACTION_WIDTH)
    assert history[0, 1, :2].tolist() == [0, -1] and history[0, 1, 2 + SKILLS.index("dash")] == 1
    assert history[1, 0, :2].tolist() == [1, 0] and history[1, 0, 2 + SKILLS.index("none")] == 1
    assert history[1, 1, :2].tolist() == [-1, 1] and history[1, 1, 2 + SKILLS.index("guard")] == 1
    assert not history[2:].any()


def test_element_module_is_the_rosters_row(plain: Roster) -> None:
    duel = Duel(plain, "anvil", "reed")
    np.testing.assert_array_equal(duel.observation.element[0, 0], plain.element_module)
    np.testing.assert_array_equal(duel.observation.element[1, 0], plain.element_module[::-1])


def test_time_runs_from_one_to_zero(plain: Roster) -> None:
    duel = Duel(plain, "anvil", "reed", 6000)
    assert environment(duel, 0, "time_left") == 1.0
    duel.play(times=599)
    assert environment(duel, 0, "time_left") == pytest.approx(1 / 600)
