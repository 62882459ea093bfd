"""Characters by the hundred: ``python -m camtf.games.duel.roster.generate`` writes ``characters_generated.toml``.

Every character is drawn from the plan of its archetype by a seed of its own and then brought to the same point
budget: `price` adds up what its numbers are worth, and all of its damage is scaled until that is `BUDGET`. Only its
health is set afterwards, by play (`camtf.evaluation.balance`), because no price list knows how numbers meet.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from camtf.games.duel.roster.entries import read_toml
from camtf.games.duel.roster.loader import DEFAULT_FOLDER
from camtf.games.duel.roster.plans import (
    FIRST_NAMES,
    GAINED,
    INFLICTED,
    KINDS,
    LAST_NAMES,
    PASSIVE_PER_MILLE,
    PLANS,
    Plan,
    Range,
)

COUNT = 304
SEED = 2026
BUDGET = 600.0
"""Points that a generated character costs, health left out; those made by hand cost 571 to 709."""
HOLDOUT_EVERY = 10
"""One generated character in so many is held out: never trained on unless asked for by name."""
FILE = DEFAULT_FOLDER / "characters_generated.toml"

Move = dict[str, Any]


def price(character: Move) -> float:
    """Points that a character's numbers are worth, health left out: linear in all damage.

    A move's damage and stun count by how often it can be used, how quickly it is over, and how far it reaches.
    """
    moves = [*character["chain"], character["skill_1"], character["skill_2"], character["ultimate"]]
    points = sum(_price_of_move(move, rate) for move, rate in zip(moves, (1.0, 1.0, 1.0, 0.9, 0.9, 0.5), strict=True))
    points += 0.8 * character["walk_mm_per_tick"] + 2.0 * character["mana_regen_per_mille_per_second"]
    low, high = PASSIVE_PER_MILLE[character["passive"]]
    return points + 40.0 * character["passive_per_mille"] / ((low + high) / 2)


def _price_of_move(move: Move, rate: float) -> float:
    time = move["startup_ticks"] + 0.5 * move.get("active_ticks", 1) + move["recovery_ticks"]
    reach = move.get("reach_mm", 0) + move.get("lunge_mm_per_tick", 0) * move.get("active_ticks", 1) * 0.4
    if "projectile_ticks" in move:
        reach = 1200 + 0.15 * move["projectile_mm_per_tick"] * move["projectile_ticks"]
    sure = 1.0 + 0.25 * move.get("unblockable", 0) + 0.15 * move.get("armoured", 0)
    worth = move.get("damage_hp", 0) * sure + 1.2 * move.get("stun_ticks", 0) + 0.8 * move.get("heal_hp", 0)
    worth += 0.25 * move.get("inflict_ticks", 0) + 0.25 * move.get("gain_ticks", 0)
    return rate * worth * (20.0 / (time + 8.0)) * (0.6 + max(reach, 600) / 2500)


def generate(count: int = COUNT, seed: int = SEED) -> list[Move]:
    """``count`` characters, archetypes in turn. The same for the same seed."""
    loadout = read_toml(DEFAULT_FOLDER / "loadout.toml")
    names = [f"{first} {last}" for first in FIRST_NAMES for last in LAST_NAMES]
    order = np.random.default_rng((seed, 0)).permutation(len(names))[:count]
    archetypes = list(PLANS)
    return [_character(names[order[i]], archetypes[i % len(archetypes)], loadout, (seed, 1, i)) for i in range(count)]


def _character(name: str, archetype: str, loadout: dict[str, Any], seed: tuple[int, ...]) -> Move:
    rng = np.random.default_rng(seed)
    plan = PLANS[archetype]

    def between(limits: Range) -> int:
        return int(rng.integers(limits[0], limits[1] + 1))

    def one_of(choices: Any) -> Any:
        return choices[int(rng.integers(len(choices)))]

    passive = one_of(plan.passives)
    character: Move = {
        "id": name.lower().replace(" ", "_"),
        "name": name,
        "archetype": archetype,
        "element": one_of(loadout["elements"]["cycle"]),
        "max_health_hp": between(plan.health_hp),
        "walk_mm_per_tick": between(plan.walk_mm_per_tick),
        "mana_regen_per_mille_per_second": between(plan.mana_regen),
        **{kind: one_of(loadout[kind])["id"] for kind in ("scroll", "summon", "weapon", "armour")},
        "passive": passive,
        "passive_per_mille": between(PASSIVE_PER_MILLE[passive]),
        "chain": _chain(plan, between),
    }
    for slot, kinds in (("skill_1", plan.skill_1), ("skill_2", plan.skill_2), ("ultimate", plan.ultimate)):
        character[slot] = _skill(one_of(kinds), slot == "ultimate", between, one_of)
        character[slot]["name"] = f"{name.split()[0]} {slot.replace('_', ' ').title()}"
    _spend_budget(character)
    return character


def _chain(plan: Plan, between: Any) -> list[Move]:
    startup, reach, width = between(plan.chain_startup), between(plan.chain_reach), between((500, 750))
    lunge, active = between((20, 80)), between((2, 3))
    hits = [
        {"startup_ticks": startup + extra, "active_ticks": active, "recovery_ticks": startup + 4 + 3 * extra,
         "reach_mm": reach + 50 * extra, "width_mm": width, "damage_hp": weight, "stun_ticks": 10 + startup + extra,
         "push_mm_per_tick": 40 + 35 * extra, "lunge_mm_per_tick": lunge}
        for extra, weight in ((0, 30), (0, 32), (2, 48))
    ]  # fmt: skip
    hits[-1] |= {"knock_down": 1, "push_mm_per_tick": between((110, 220))}
    return hits


def _skill(kind: str, ultimate: bool, between: Any, one_of: Any) -> Move:
    move: Move = {field: between(limits) for field, limits in KINDS[kind].items()}
    if kind != "boon":
        move["damage_hp"] = {"hex": 50, "trap": 45, "curse": 45, "mend": 90}.get(kind, 80)
    for trigger, effects, field in ((("hex", "trap", "curse"), INFLICTED, "inflict"), (("boon",), GAINED, "gain")):
        if kind in trigger:
            move[field] = one_of(list(effects))
            ticks_low, ticks_high, low, high = effects[move[field]]
            move[f"{field}_ticks"] = between((ticks_low, ticks_high))
            if high:
                move[f"{field}_magnitude_per_mille"] = between((low, high))
    move["mana_per_mille"] = 600 if ultimate else between((12, 22)) * 10
    move["cooldown_ticks"] = 450 if ultimate else between((60, 130) if kind != "boon" else (180, 240))
    if ultimate:
        move["startup_ticks"] += 3
        move["recovery_ticks"] += 3
        for field, factor, most in (("damage_hp", 2.2, 400), ("reach_mm", 1.4, 4000), ("width_mm", 1.3, 3000)):
            if field in move:
                move[field] = min(int(move[field] * factor), most)
    return move


def _spend_budget(character: Move) -> None:
    """Scale all damage by one factor until the price is `BUDGET`."""
    moves = [*character["chain"], character["skill_1"], character["skill_2"], character["ultimate"]]
    dealing = [move for move in moves if "damage_hp" in move]
    full = price(character)
    kept = [move["damage_hp"] for move in dealing]
    for move in dealing:
        move["damage_hp"] = 0
    fixed = price(character)
    for move, damage in zip(dealing, kept, strict=True):
        move["damage_hp"] = max(1, round(damage * (BUDGET - fixed) / (full - fixed)))


def to_toml(characters: list[Move]) -> str:
    """The characters as the text of a roster file, one move a line."""
    holdout = ", ".join(f'"{c["id"]}"' for c in characters[::HOLDOUT_EVERY])
    lines = [
        f"# Made by python -m camtf.games.duel.roster.generate, seed {SEED}; health set by play (camtf.balance).",
        f"holdout = [{holdout}]",
    ]
    for character in characters:
        lines += ["", "[[character]]"]
        for field, value in character.items():
            if field == "chain":
                lines += ["chain = [", *(f"    {_inline(move)}," for move in value), "]"]
            else:
                lines.append(f"{field} = {_inline(value)}")
    return "\n".join(lines) + "\n"


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_inline(v)}" for key, v in value.items()) + " }"
    return f'"{value}"' if isinstance(value, str) else str(value)


def write(file: Path = FILE) -> int:
    """Write the generated characters. Returns how many."""
    characters = generate()
    file.write_text(to_toml(characters), encoding="utf-8")
    return len(characters)


if __name__ == "__main__":
    print(f"{write()} characters written to {FILE}")
