"""Moves worked by hand, on the roster of round numbers (tests/roster)."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from camtf.games.duel.observation import MOVEMENT_COUNT, SKILL_COUNT
from camtf.games.duel.roster import Roster
from camtf.games.duel.roster.schema import MOVES, PASSIVES
from camtf.games.duel.rules import constants as rules
from camtf.games.duel.state import CD_DASH, CD_SUBSTITUTE, CD_SUMMON, SKILLS
from tests.playing import SKILL, Duel

BURN, ROOT, SILENCE, SHIELD = rules.BURN, rules.ROOT, rules.SILENCE, rules.SHIELD
STUN, ARMOUR, POISON = rules.STUN, rules.ARMOUR, rules.POISON


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


def with_move(roster: Roster, move: str, player: int = 0, **fields: int) -> Roster:
    """The roster with numbers of one character's move changed."""
    moves = roster.moves.copy()
    for name, value in fields.items():
        moves[name][player, MOVES.index(move)] = value
    return dataclasses.replace(roster, moves=moves)


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
