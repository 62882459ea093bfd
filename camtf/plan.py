"""The plan of a run, checked as a whole before any of it starts: can the ranks share what every stage asks of them?"""

from __future__ import annotations

import itertools
import os
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from camtf.config import Config, ConfigError, EvaluationConfig
from camtf.settings import nearest

_MOST_MATCHES = 1 << 20
_MOST_BATTLES = 100_000_000
"""Of an evaluation; their list takes about a gigabyte."""


class _Need(NamedTuple):
    """So many ranks share all matches evenly, and a part of them with a use of its own, too."""

    ranks: int
    share: float = 0.0  # the part
    setting: str = ""  # what says how large it is
    kind: str = ""  # what it is used for
    most: float = 1.0  # allowed as the share
    all_may: bool = True  # it may be all matches


def ranks_started() -> int:
    """How many ranks `horovodrun` has started; 1 without it."""
    return int(os.environ.get("HOROVOD_SIZE", 1))


def matches_of_share(matches: int, share: float) -> int:
    """How many of the matches, which are counted over all ranks, a share of them is."""
    return round(matches * share)


def groups_of(groups: int, ranks: int) -> int:
    """The largest number of groups, not above the one wished for, that shares the ranks evenly."""
    return max(n for n in range(1, min(groups, ranks) + 1) if ranks % n == 0)


def check(config: Config, ranks: int, stages: Collection[str]) -> None:
    """Raises ConfigError where the ranks cannot share the matches of a stage evenly; names the nearest that they can.

    Args:
        ranks: how many there are.
        stages: those that have something left to train, of ``generalists`` and ``specialists``.
    """
    needs = list(_needs(config, ranks, stages))
    matches = config.game.matches
    for need in needs:
        if _fits(matches, need):
            continue
        others = nearest(matches, _fitting(matches, needs))
        if matches % need.ranks:
            raise ConfigError(f"game.matches = {matches} cannot be shared evenly by {need.ranks} ranks; {others} can")
        taken = matches_of_share(matches, need.share)
        below, above = (taken - 1) // need.ranks * need.ranks, -(-taken // need.ranks) * need.ranks
        can = [_share_of(k, matches) for k in (below, above) if k < matches or need.all_may]
        shares = nearest(need.share, [share for share in can if share <= need.most])
        wrong = f"cannot be shared evenly by {need.ranks} ranks" if taken % need.ranks else "leaves none to learn from"
        raise ConfigError(
            f"{need.setting} = {need.share} makes {taken} of game.matches = {matches} {need.kind}, which {wrong}; a "
            f"share of {shares} can, or game.matches = {others}"
        )


def _needs(config: Config, ranks: int, stages: Collection[str]) -> Iterator[_Need]:
    """What each stage asks of the ranks."""
    c = config.generalists
    if "generalists" in stages:
        yield _Need(ranks)
        if c.algorithm == "mia" and c.generations > 1:  # the first generation plays nobody but itself
            yield _Need(ranks, c.self_play_share, "generalists.self_play_share", "self-play")
        if c.algorithm.endswith("neupl"):
            most = type(c).__dataclass_fields__["evaluation_share"].metadata["high"]
            name, kind = "generalists.evaluation_share", "battles that are only counted"
            yield _Need(ranks, c.evaluation_share, name, kind, most, all_may=False)
    if "specialists" in stages:
        share, name = config.specialists.self_play_share, "specialists.self_play_share"
        yield _Need(ranks // groups_of(config.specialists.groups, ranks), share, name, "self-play")
        if "matched" in config.specialists.controls:  # one network, which all ranks train
            yield _Need(ranks, share, name, "self-play")


def check_evaluation(evaluation: EvaluationConfig, characters: int) -> None:
    """Raises ConfigError where every pairing of so many characters makes more battles than a list can hold."""
    games, most = characters**2 * evaluation.games, _MOST_BATTLES // characters**2
    if games > _MOST_BATTLES:
        raise ConfigError(
            f"games = {evaluation.games} for each pairing of {characters} characters makes {games:,} battles; at most "
            f"{_MOST_BATTLES:,} can be played, which games = {most} makes"
        )
    bot_games, most = characters * evaluation.bot_games, _MOST_BATTLES // characters
    if bot_games > _MOST_BATTLES:
        raise ConfigError(
            f"bot_games = {evaluation.bot_games} for each of {characters} characters makes {bot_games:,} battles; at "
            f"most {_MOST_BATTLES:,} can be played, which bot_games = {most} makes"
        )


def _fits(matches: int, need: _Need) -> bool:
    taken = matches_of_share(matches, need.share)
    return matches % need.ranks == 0 and taken % need.ranks == 0 and (taken < matches or need.all_may)


def _fitting(matches: int, needs: list[_Need]) -> list[int]:
    """The nearest numbers of matches, below and above, that every stage can share."""
    step = max(need.ranks for need in needs)  # a multiple of all others
    below, above = range(matches // step * step, 0, -step), range(-(-matches // step) * step, _MOST_MATCHES + 1, step)

    def first(candidates: Iterable[int]) -> list[int]:
        return list(itertools.islice((m for m in candidates if all(_fits(m, need) for need in needs)), 1))

    return first(below) + first(above)


def _share_of(taken: int, matches: int) -> float:
    """The shortest share that makes so many matches."""
    share = taken / matches
    return next((x for x in (round(share, d) for d in range(1, 9)) if matches_of_share(matches, x) == taken), share)
