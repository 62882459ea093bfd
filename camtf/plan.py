"""The plan of a run, checked as a whole before any of it starts: can the ranks share what every stage asks of them?"""

from __future__ import annotations

import itertools
import os
from collections.abc import Collection, Iterable

from camtf.config import Config, ConfigError, EvaluationConfig
from camtf.settings import nearest

_MOST_MATCHES = 1 << 20
_MOST_BATTLES = 100_000_000
"""Of an evaluation; their list takes about a gigabyte."""


def ranks_started() -> int:
    """How many ranks `horovodrun` has started; 1 without it."""
    return int(os.environ.get("HOROVOD_SIZE", 1))


def self_play_matches(matches: int, share: float) -> int:
    """How many of the matches, which are counted over all ranks, the learner plays against itself."""
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
    needs: list[tuple[float, int]] = []  # share of self-play, ranks that share the matches
    if "generalists" in stages:
        later = [config.generalists.self_play_share] if config.generalists.generations > 1 else []
        needs += [(share, ranks) for share in (1.0, *later)]
    if "specialists" in stages:
        needs.append((0.0, ranks // groups_of(config.specialists.groups, ranks)))
    matches = config.game.matches
    for share, sharing in needs:
        if _fits(matches, share, sharing):
            continue
        others = nearest(matches, _fitting(matches, needs))
        if matches % sharing:
            raise ConfigError(f"game.matches = {matches} cannot be shared evenly by {sharing} ranks; {others} can")
        played = self_play_matches(matches, share)
        around = played // sharing * sharing, -(-played // sharing) * sharing
        shares = nearest(share, [_share_of(k, matches) for k in around])
        raise ConfigError(
            f"generalists.self_play_share = {share} makes {played} of game.matches = {matches} self-play, which cannot "
            f"be shared evenly by {sharing} ranks; a share of {shares} can, or game.matches = {others}"
        )


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


def _fits(matches: int, share: float, sharing: int) -> bool:
    return matches % sharing == 0 and self_play_matches(matches, share) % sharing == 0


def _fitting(matches: int, needs: list[tuple[float, int]]) -> list[int]:
    """The nearest numbers of matches, below and above, that every stage can share."""
    step = max(sharing for _, sharing in needs)  # a multiple of all others
    below, above = range(matches // step * step, 0, -step), range(-(-matches // step) * step, _MOST_MATCHES + 1, step)

    def first(candidates: Iterable[int]) -> list[int]:
        return list(itertools.islice((m for m in candidates if all(_fits(m, *need) for need in needs)), 1))

    return first(below) + first(above)


def _share_of(played: int, matches: int) -> float:
    """The shortest share that makes so many matches self-play."""
    share = played / matches
    return next((x for x in (round(share, d) for d in range(1, 9)) if self_play_matches(matches, x) == played), share)
