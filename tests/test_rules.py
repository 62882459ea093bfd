"""Cooldowns, movement, ends, passives and input delay, worked by hand on the roster of round numbers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from camtf.games.duel.observation import MOVEMENT_COUNT, SKILL_COUNT
from camtf.games.duel.roster import Roster
from camtf.games.duel.roster.schema import PASSIVES
from camtf.games.duel.rules import constants as rules
from camtf.games.duel.state import CD_DASH, CD_SUBSTITUTE, CD_SUMMON, SKILLS
from tests.playing import SKILL, Duel

ROOT, SILENCE, SHIELD, POISON = rules.ROOT, rules.SILENCE, rules.SHIELD, rules.POISON


def test_cooldown_ends_on_its_tick(plain: Roster) -> None:
    duel = Duel(plain, "anvil", "reed", 5000)
    duel.play("stay skill_1")
    duel.put(0, mana=1000)
    duel.play(times=28)
    assert not duel.may(0, "skill_1")
    duel.play()  # 90 ticks since
    assert duel.may(0, "skill_1")


def test_skill_needs_mana(plain: Roster) -> None:
    duel = Duel(plain, "anvil", "reed", 5000)
    duel.put(0, mana=199)
    assert not duel.may(0, "skill_1")
    duel.put(0, mana=200)
    assert duel.may(0, "skill_1")


def test_ultimate_heals_and_shields(plain: Roster) -> None:
    duel = Duel(plain, "anvil", "reed")
    duel.put(0, health_hp=500)
    duel.play("stay ultimate")
    duel.play()
    assert duel.fighter(0)["buff_ticks"][SHIELD] > 0
    duel.play()
    assert duel.fighter(0)["health_hp"] == 700
    duel.play(second="stay attack")
    duel.play()
    assert duel.fighter(0)["health_hp"] == 700 - 45  # 90, half of it taken off


def test_walk_diagonal_dash_and_wall(plain: Roster) -> None:
    duel = Duel(plain, "anvil", "reed", 8000)
    duel.play("forward none")
    assert duel.fighter(0)["x_mm"] == -4000 + 3 * 100
    duel.play("forward_up none")
    assert (duel.fighter(0)["x_mm"], duel.fighter(0)["y_mm"]) == (-3700 + 3 * 70, 3 * 70)
    duel.play("back dash")
    duel.play()
    assert duel.fighter(0)["x_mm"] == -3490 - 6 * 330
    assert not duel.may(0, "dash")
    duel.play("back none", times=10)
    assert duel.fighter(0)["x_mm"] == -6000


@pytest.mark.parametrize("delay", [0, 2])
@pytest.mark.parametrize("skill", SKILLS)
def test_movement_is_rooted_by_the_skills_that_the_mask_names(plain: Roster, skill: str, delay: int) -> None:
    """Every move ends within a decision here: in the ticks that are left of it nothing is walked."""
    moves = plain.moves.copy()
    total = moves["startup_ticks"] + moves["active_ticks"] + moves["recovery_ticks"]
    moves["recovery_ticks"] += (1 - total) % 3
    roster = dataclasses.replace(plain, moves=moves)

    def track(movement: str) -> list[int]:
        duel = Duel(roster, "anvil", "reed", 5000, input_delay_ticks=delay)
        duel.put(0, mana=1000)
        assert duel.may(0, skill)
        duel.play(f"{movement} {skill}")
        places = [int(duel.fighter(0)["x_mm"])]
        for _ in range(9):
            duel.play()
            places.append(int(duel.fighter(0)["x_mm"]))
        return places

    rooted = bool(Duel(roster, "anvil", "reed").observation.mask[0, 0, MOVEMENT_COUNT + SKILL_COUNT + SKILL[skill]])
    assert (track("back") == track("stay")) == rooted


def test_fighters_do_not_pass_through_each_other(plain: Roster) -> None:
    duel = Duel(plain, "anvil", "reed", 1000)
    duel.play("forward none", "forward none", times=5)
    assert duel.fighter(1)["x_mm"] - duel.fighter(0)["x_mm"] == rules.BODY_MM


def test_substitution_escapes_a_combo(plain: Roster) -> None:
    duel = Duel(plain, "anvil", "reed")
    duel.play("stay attack")
    duel.play()
    assert duel.fighter(1)["stun_ticks"] > 0 and duel.may(1, "substitute")
    duel.play("stay none", "stay substitute")
    reed, anvil = duel.fighter(1), duel.fighter(0)
    assert reed["x_mm"] == anvil["x_mm"] - rules.SUBSTITUTE_BEHIND_MM
    assert reed["stun_ticks"] == 0 and reed["invincible_ticks"] > 0
    assert reed["cooldown_ticks"][CD_SUBSTITUTE] == rules.SUBSTITUTE_COOLDOWN_TICKS - 3
    assert duel.game.events["clone_substitutes"][1, 0] == 1


def test_root_and_silence_mask(plain: Roster) -> None:
    duel = Duel(plain, "anvil", "reed")
    duel.put(0, buff_ticks=(ROOT, 30))
    assert not duel.may_move(0, "forward") and not duel.may(0, "dash") and duel.may_move(0, "stay")
    duel.put(1, buff_ticks=(SILENCE, 30))
    assert not any(duel.may(1, skill) for skill in ("skill_1", "skill_2", "ultimate", "scroll", "summon"))
    assert duel.may(1, "attack")
    duel.play(times=10)
    assert duel.may_move(0, "forward") and duel.may(1, "skill_1")


def test_summon_bites_at_its_interval(plain: Roster) -> None:
    duel = Duel(plain, "anvil", "reed")
    duel.play("stay summon")
    duel.play(times=8)
    assert duel.fighter(1)["health_hp"] == 1000  # it waits for half an interval, 30 ticks
    duel.play(times=2)
    assert duel.fighter(1)["health_hp"] == 980
    duel.play(times=20)
    assert duel.fighter(1)["health_hp"] == 960


def test_forcing_and_counter_moves_are_counted(plain: Roster) -> None:
    duel = Duel(plain, "anvil", "reed")
    duel.play("stay skill_2")  # an attack that begins before any of the opponent's
    assert duel.game.events["forcing_moves"][:, 0].tolist() == [1, 0]
    duel = Duel(plain, "reed", "anvil")
    duel.play("stay skill_1", "stay skill_1")
    duel.play()  # Gust hits Coal at its end of startup
    assert duel.game.events["counter_moves"][:, 0].tolist() == [0, 0]
    duel = Duel(plain, "reed", "reed")
    duel.play("stay skill_1", "stay none")
    duel.put(1, x_mm=400)
    duel.play("stay none", "stay skill_2")  # cast on the very tick on which Gust lands
    assert duel.game.events["counter_moves"][:, 0].tolist() == [1, 0]
    assert duel.game.events["starts"][0, 0].sum() == 2


def test_the_bell_decides_by_health(plain: Roster) -> None:
    duel = Duel(plain, "anvil", "reed", 5000)
    step = duel.play(times=599)
    assert not step.done[0]
    assert duel.play().done[0] and step.outcome[0] == 0.5
    duel = Duel(plain, "anvil", "reed", 5000)
    duel.put(1, health_hp=999)
    duel.play(times=599)
    step = duel.play()
    assert step.done[0] and step.outcome[0] == 1.0
    assert step.reward[0, 0] == pytest.approx(10.0, abs=0.1)


def test_knock_out_ends_and_restarts(plain: Roster) -> None:
    duel = Duel(plain, "anvil", "reed")
    duel.put(1, health_hp=110)
    duel.play("stay attack")
    step = duel.play()
    assert step.done[0] and step.outcome[0] == 1.0
    assert duel.fighter(1)["health_hp"] == 1000 and duel.fighter(0)["mana"] == 500
    assert np.all(duel.game.fighters["past_skill"] == 0)


def test_double_knock_out_is_a_draw(plain: Roster) -> None:
    duel = Duel(plain, "anvil", "reed")
    duel.put(0, health_hp=1)
    duel.put(1, health_hp=1)
    duel.play("stay attack", "stay attack")
    step = duel.play()
    assert step.done[0] and step.outcome[0] == 0.5
    assert step.reward[0, 0] == pytest.approx(0.05, abs=0.1) and step.reward[0, 0] == -step.reward[1, 0]


def with_passive(roster: Roster, player: int, passive: str, per_mille: int) -> Roster:
    characters = roster.characters.copy()
    characters["passive"][player], characters["passive_per_mille"][player] = PASSIVES.index(passive), per_mille
    return dataclasses.replace(roster, characters=characters)


@pytest.mark.parametrize(
    ("whose", "passive", "damage"),
    [
        (0, "opener", 110 + 22),
        (0, "berserk", 110),
        (0, "executioner", 110),
        (1, "opener", 110),
        (1, "bulwark", 110),
    ],
)
def test_passives_change_damage_only_when_they_work(plain: Roster, whose: int, passive: str, damage: int) -> None:
    duel = Duel(with_passive(plain, whose, passive, 200), "anvil", "reed")
    duel.play("stay attack")
    duel.play()
    assert duel.fighter(1)["health_hp"] == 1000 - damage


@pytest.mark.parametrize(("passive", "weak"), [("berserk", 0), ("executioner", 1)])
def test_low_health_passives(plain: Roster, passive: str, weak: int) -> None:
    for health, bonus in ((400, 0), (399, 22)):
        duel = Duel(with_passive(plain, 0, passive, 200), "anvil", "reed")
        duel.put(weak, health_hp=health)
        before = duel.fighter(1)["health_hp"].copy()
        duel.play("stay attack")
        duel.play()
        assert before - duel.fighter(1)["health_hp"] == 110 + bonus


def test_drain_thorns_venom_and_focus(plain: Roster) -> None:
    def after_a_blow(whose: int, passive: str) -> Duel:
        duel = Duel(with_passive(plain, whose, passive, 100), "anvil", "reed")
        duel.put(0, health_hp=500)
        duel.play("stay attack")
        duel.play()
        return duel

    assert after_a_blow(0, "drain").fighter(0)["health_hp"] == 511
    assert after_a_blow(1, "thorns").fighter(0)["health_hp"] == 489
    assert after_a_blow(0, "venom").fighter(1)["buff_magnitude"][POISON] == 100
    assert after_a_blow(0, "focus").fighter(0)["mana"] == 500 + 33
    assert after_a_blow(1, "iron_will").fighter(1)["stun_ticks"] == 9 - 2


def test_cooldown_passives(plain: Roster) -> None:
    for passive, skill, slot, full in (
        ("shadow", "substitute", CD_SUBSTITUTE, rules.SUBSTITUTE_COOLDOWN_TICKS),
        ("handler", "summon", CD_SUMMON, 600),
        ("sprinter", "dash", CD_DASH, rules.DASH_COOLDOWN_TICKS),
    ):
        duel = Duel(with_passive(plain, 0, passive, 400), "anvil", "reed", 3000)
        duel.play(f"stay {skill}")
        assert duel.fighter(0)["cooldown_ticks"][slot] == full * 600 // 1000 - 3


def test_a_summon_can_inflict_and_heal(plain: Roster) -> None:
    summons = plain.summons.copy()
    summons["inflict"], summons["inflict_ticks"], summons["heal_hp"] = rules.SLOW, 20, 5
    duel = Duel(dataclasses.replace(plain, summons=summons), "anvil", "reed")
    duel.put(0, health_hp=500)
    duel.play("stay summon")
    duel.play(times=10)
    assert duel.fighter(1)["buff_ticks"][rules.SLOW] > 0 and duel.fighter(0)["health_hp"] == 505


@pytest.mark.parametrize(("delay", "first_hit_decision"), [(0, 2), (2, 2), (3, 3), (8, 4)])
def test_input_delay_moves_the_begin(plain: Roster, delay: int, first_hit_decision: int) -> None:
    """Begun at tick `delay`, a blow of 3 startup ticks lands at tick `delay` + 3, in that decision."""
    duel = Duel(plain, "anvil", "reed", input_delay_ticks=delay)
    duel.play("stay attack")
    decisions = 1
    while duel.fighter(1)["health_hp"] == 1000:
        duel.play()
        decisions += 1
    assert decisions == (delay + 3) // 3 + 1 == first_hit_decision


def test_what_has_become_illegal_is_not_begun(plain: Roster) -> None:
    duel = Duel(plain, "anvil", "reed", input_delay_ticks=6)
    duel.play("forward attack")
    duel.put(0, stun_ticks=30)
    duel.play(times=5)
    assert duel.fighter(0)["x_mm"] == -450 and duel.game.events["starts"][0, 0, 1].sum() == 0
    with pytest.raises(ValueError, match=r"input_delay_ticks must be in \[0, 8\], got 9"):
        Duel(plain, "anvil", "reed", input_delay_ticks=9)


def test_skill_starts_are_counted_by_time_and_kept_after_the_end(plain: Roster) -> None:
    duel = Duel(plain, "anvil", "reed", 5000)
    duel.play("stay guard", times=60)  # 6 s: 50 decisions in the first 5 s, 10 in the next
    assert duel.game.events["starts"][0, 0, 5, :3].tolist() == [50, 10, 0]
    assert duel.game.last_events["starts"].sum() == 0
    duel.play(times=540)
    assert duel.game.events["starts"].sum() == 0  # a new match
    assert duel.game.last_events["starts"][:, 0].sum(axis=(1, 2)).tolist() == [600, 600]
    assert duel.game.last_events["starts"][0, 0, 5].sum() == 60
