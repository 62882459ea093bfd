"""What a blow, a shot or a summon does to whom it meets, worked by hand on the roster of round numbers."""

from __future__ import annotations

import dataclasses

import pytest

from camtf.games.duel.roster import Roster
from camtf.games.duel.roster.schema import MOVES
from camtf.games.duel.rules import constants as rules
from tests.playing import Duel, with_move

BURN, STUN, ARMOUR = rules.BURN, rules.STUN, rules.ARMOUR


def test_first_blow_lands_on_the_fourth_tick(plain: Roster) -> None:
    duel = Duel(plain, "anvil", "reed")
    duel.play("stay attack")  # ticks 0 to 2 are startup
    assert duel.fighter(1)["health_hp"] == 1000
    step = duel.play()
    # 100 HP, times 1.1 because fire deals more to wind.
    assert duel.fighter(1)["health_hp"] == 890
    assert duel.fighter(1)["stun_ticks"] == 8  # 10, set on the first of three ticks
    # 10 * 0.110 for health; mana: 30 for the hit against 20 for being hit, and Reed's 6 of two decisions' regeneration
    # (30 per mille a second are 3 a decision, one decision is this step).
    assert step.reward[0, 0] == pytest.approx(10 * 0.110 + 5 * (30 - 20 - 3) / 1000, abs=1e-6)
    assert step.reward[1, 0] == -step.reward[0, 0]


def test_the_weaker_element_deals_less(plain: Roster) -> None:
    duel = Duel(plain, "anvil", "reed")
    duel.play(second="stay attack", times=1)
    duel.play()
    assert duel.fighter(0)["health_hp"] == 1000 - 90


@pytest.mark.parametrize(("distance_mm", "hits"), [(1000, True), (1001, False)])
def test_reach_is_exact(plain: Roster, distance_mm: int, hits: bool) -> None:
    duel = Duel(plain, "anvil", "reed", distance_mm)
    duel.play("stay attack")
    duel.play()
    assert bool(duel.fighter(1)["health_hp"] < 1000) == hits


def test_out_of_depth_misses(plain: Roster) -> None:
    duel = Duel(plain, "anvil", "reed")
    duel.put(1, y_mm=501)
    duel.play("stay attack")
    duel.play()
    assert duel.fighter(1)["health_hp"] == 1000


def test_chain_decays_counts_and_knocks_down(plain: Roster) -> None:
    duel = Duel(plain, "anvil", "reed")
    duel.play("stay attack")
    duel.play("stay none")
    assert duel.may(0, "attack")  # it connected: the second hit may cancel the first
    duel.play("stay attack")
    duel.play("stay none")
    assert duel.fighter(1)["health_hp"] == 890 - 101  # 110 * 0.92, whole HP
    assert duel.fighter(0)["combo_credit"] == 1
    duel.play("stay attack")
    duel.play("stay none")
    assert duel.fighter(1)["health_hp"] == 789 - 92  # 110 * 0.84 = 92.4
    assert duel.fighter(1)["down_ticks"] > 0
    assert not duel.may(1, "attack") and not duel.may(1, "substitute")


def test_no_cancel_without_a_hit(plain: Roster) -> None:
    duel = Duel(plain, "anvil", "reed", 3000)
    duel.play("stay attack", times=1)
    duel.play()
    assert not duel.may(0, "attack")
    duel.play(times=2)  # 12 ticks of the whole move are over
    assert duel.may(0, "attack")


def test_guard_takes_a_fifth_and_unblockable_breaks_it(plain: Roster) -> None:
    duel = Duel(plain, "anvil", "reed")
    duel.play("stay attack", "stay guard")
    duel.play("stay none", "stay guard")
    assert duel.fighter(1)["health_hp"] == 1000 - 22
    duel = Duel(plain, "anvil", "reed")
    duel.play("stay skill_2", "stay guard")
    for _ in range(3):
        duel.play("stay none", "stay guard")
    assert duel.fighter(1)["health_hp"] == 890


def test_armour_is_not_interrupted(plain: Roster) -> None:
    duel = Duel(plain, "anvil", "reed")
    duel.play("stay skill_2", "stay attack")
    duel.play()  # Reed's blow lands while Crash is in its startup
    assert duel.fighter(0)["health_hp"] == 1000 - 63  # 90 * 0.7
    assert duel.fighter(0)["stun_ticks"] == 0
    duel.play(times=2)
    assert duel.fighter(1)["health_hp"] == 890


def test_an_armoured_move_holds_against_a_blow_that_inflicts_stun(plain: Roster) -> None:
    duel = Duel(with_move(plain, "chain_1", 1, inflict=STUN, inflict_ticks=30), "anvil", "reed")
    duel.play("stay skill_2", "stay attack")
    duel.play()
    assert duel.fighter(0)["health_hp"] == 1000 - 63
    assert duel.fighter(0)["move"] == MOVES.index("skill_2")
    assert duel.fighter(0)["stun_ticks"] == duel.fighter(0)["buff_ticks"][STUN] == 0
    duel.play(times=2)
    assert duel.fighter(1)["health_hp"] == 890


@pytest.mark.parametrize(("unblockable", "stun_ticks"), [(0, 0), (1, 28)])
def test_the_buff_super_armour_holds_unless_a_blow_is_unblockable(
    plain: Roster, unblockable: int, stun_ticks: int
) -> None:
    fields = {"inflict": STUN, "inflict_ticks": 30, "unblockable": unblockable}
    duel = Duel(with_move(plain, "chain_1", 1, **fields), "anvil", "reed")
    duel.put(0, buff_ticks=(rules.SUPER_ARMOUR, 60))
    duel.play("stay none", "stay attack")
    duel.play()
    assert duel.fighter(0)["stun_ticks"] == duel.fighter(0)["buff_ticks"][STUN] == stun_ticks
    assert duel.may(0, "attack") == (stun_ticks == 0)


def test_other_buffs_go_through_armour(plain: Roster) -> None:
    duel = Duel(with_move(plain, "chain_1", 1, inflict=rules.SLOW, inflict_ticks=30), "anvil", "reed")
    duel.play("stay skill_2", "stay attack")
    duel.play()
    assert duel.fighter(0)["buff_ticks"][rules.SLOW] > 0


@pytest.mark.parametrize("defence", ["move", "buff", "guard"])
def test_armour_and_guard_hold_against_a_summon(plain: Roster, defence: str) -> None:
    summons = plain.summons.copy()
    summons["stun_ticks"], summons["inflict"], summons["inflict_ticks"] = 10, STUN, 20
    duel = Duel(dataclasses.replace(plain, summons=summons), "anvil", "reed")
    if defence == "buff":
        duel.put(0, buff_ticks=(rules.SUPER_ARMOUR, 60))
    then = "stay guard" if defence == "guard" else "stay none"
    duel.play("stay none", "stay summon")
    duel.play(times=6)
    duel.play("stay skill_2" if defence == "move" else then)
    duel.play(then, times=2)  # the crow strikes on the last of these ticks
    assert duel.fighter(0)["health_hp"] == 980
    assert duel.fighter(0)["stun_ticks"] == duel.fighter(0)["buff_ticks"][STUN] == 0
    duel.play(then)
    assert duel.fighter(1)["health_hp"] == (890 if defence == "move" else 1000)


def test_both_hit_in_the_same_tick(plain: Roster) -> None:
    duel = Duel(plain, "anvil", "reed")
    duel.play("stay attack", "stay attack")
    duel.play()
    assert duel.fighter(0)["health_hp"] == 910 and duel.fighter(1)["health_hp"] == 890


def test_projectile_flies_and_burns(plain: Roster) -> None:
    duel = Duel(plain, "anvil", "reed", 3000)
    duel.play("stay skill_1")
    assert duel.fighter(0)["mana"] == 500 - 200
    assert not duel.may(0, "skill_1")
    # Let go on tick 3, it needs (3000 - 200) / 300 = 10 ticks more: hit on tick 13, in the fifth decision.
    duel.play(times=3)
    assert duel.fighter(1)["health_hp"] == 1000
    duel.play()
    assert duel.fighter(1)["buff_ticks"][BURN] > 0
    duel.play(times=30)
    # 110 for the hit; 300 tenths of a HP a second, for 60 ticks: 60 HP.
    assert duel.fighter(1)["health_hp"] == 1000 - 110 - 60
    assert duel.fighter(1)["buff_magnitude"][BURN] == 0


def test_a_shot_stays_that_moves_own_though_its_buff_ends_the_move(plain: Roster) -> None:
    duel = Duel(with_move(plain, "skill_1", gain=STUN, gain_ticks=30), "anvil", "reed", 3000)
    duel.play("stay skill_1")
    duel.play()
    assert duel.fighter(0)["stun_ticks"] > 0
    assert duel.fighter(0)["projectile_move"][0] == MOVES.index("skill_1")


@pytest.mark.parametrize("left", [0, 1])
def test_a_shot_that_stands_still_pushes_the_way_its_owner_faces(plain: Roster, left: int) -> None:
    fields = {"projectile_ticks": 30, "projectile_mm_per_tick": 0, "reach_mm": 1000, "stun_ticks": 10}
    fields["push_mm_per_tick"] = 100
    duel = Duel(with_move(plain, "skill_1", left, **fields), "anvil", "reed")
    duel.put(left, x_mm=-450)
    duel.put(1 - left, x_mm=450)
    duel.play(*(("stay skill_1", "stay none") if left == 0 else ("stay none", "stay skill_1")))
    duel.play(times=4)
    assert duel.fighter(1 - left)["x_mm"] == 450 + 6 * 100


def test_what_a_blow_grants_its_victim_does_not_help_in_the_same_tick(plain: Roster) -> None:
    fields = {"inflict": rules.MIGHT, "inflict_ticks": 30, "inflict_magnitude_per_mille": 1000}
    duel = Duel(with_move(plain, "chain_1", **fields), "anvil", "reed")
    duel.play("stay attack", "stay attack")
    duel.play()
    assert duel.fighter(0)["health_hp"] == 910 and duel.fighter(1)["health_hp"] == 890


def test_stun_holds_and_substitution_ends_it(plain: Roster) -> None:
    duel = Duel(with_move(plain, "chain_1", inflict=STUN, inflict_ticks=30), "anvil", "reed")
    duel.play("stay attack")
    duel.play()
    assert duel.fighter(1)["buff_ticks"][STUN] == 28 and duel.fighter(1)["stun_ticks"] == 28
    assert not duel.may(1, "attack") and not duel.may_move(1, "forward") and duel.may(1, "substitute")
    duel.play("stay none", "stay substitute")
    assert duel.may(1, "attack")
    assert not any(duel.fighter(1)[f"buff_{part}"][STUN] for part in ("ticks", "stacks", "magnitude"))


def test_armour_takes_a_fixed_part_but_never_all(plain: Roster) -> None:
    duel = Duel(plain, "anvil", "reed")
    duel.put(1, buff_ticks=(ARMOUR, 30), buff_magnitude=(ARMOUR, 150))
    duel.play("stay attack")
    duel.play()
    assert duel.fighter(1)["health_hp"] == 1000 - (110 - 15)
    duel = Duel(plain, "anvil", "reed")
    duel.put(1, buff_ticks=(ARMOUR, 30), buff_magnitude=(ARMOUR, 1000 * 9))
    duel.play("stay attack")
    duel.play()
    assert duel.fighter(1)["health_hp"] == 999
