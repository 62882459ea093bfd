"""What all pages of a server share: the game, the opponents that there are, and the last matches' replays."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from camtf.games.duel.game import Duel
from camtf.games.duel.replay import Replay
from camtf.games.duel.viewer.page import describe_rules
from camtf.play.match import Match
from camtf.play.messages import MessageError, Start
from camtf.play.opponents import (
    MILLISECONDS_PER_DECISION,
    MOST_DELAY,
    MOST_TEMPERATURE,
    Learned,
    Models,
    Offer,
    Opponent,
    Scripted,
    Wish,
)
from camtf.settings import quoted

_MOST_REPLAYS = 50
_MOST_SEED = 1 << 31
_NAMED = 8
"""Ids that a message lists."""


@dataclass
class Arena:
    """Makes matches.

    Args:
        models: policies to play against; None for scripted opponents alone.
        characters: ids of whom the person and the opponent play at first.
    """

    game: Duel
    models: Models | None
    characters: tuple[str, str]
    replays: dict[str, Replay] = field(default_factory=dict)

    @property
    def offers(self) -> tuple[Offer, ...]:
        """What can be played against, the best first."""
        bots = tuple(Offer(name, (), self.game.characters) for name in reversed([*self.game.bots]))
        return (*(self.models.offers if self.models else ()), *bots)

    def describe(self) -> dict[str, Any]:
        """What the page lets a person choose from."""
        roster = self.game.roster
        return {
            "characters": [
                {"id": i, "name": name, "archetype": archetype}
                for i, name, archetype in zip(roster.ids, roster.names, roster.archetypes, strict=True)
            ],
            "offers": [vars(offer) for offer in self.offers],
            "chosen": self.characters,
            "most": {"temperature": MOST_TEMPERATURE, "delay": MOST_DELAY},
            "milliseconds_per_delay": MILLISECONDS_PER_DECISION,
            "rules": describe_rules(),
        }

    def first_match(self) -> Match:
        """The match that the page offers at first. Raises as `match`."""
        first, second = self.characters
        return self.match(Start(first, Wish(self.offers[0].kind, second)))

    def match(self, start: Start) -> Match:
        """A match as it was asked for. Raises MessageError, and ValueError where the model cannot be used."""
        offer = self._check(start)
        rng = np.random.default_rng()
        opponent = self._opponent(offer, start.wish, rng)
        return Match(self.game, (start.character, start.wish.character), opponent, int(rng.integers(_MOST_SEED)))

    def keep(self, replay: Replay) -> str:
        """Keep a replay for a while; the name that it is asked for by, which nobody can guess."""
        name = secrets.token_urlsafe(12)
        self.replays[name] = replay
        while len(self.replays) > _MOST_REPLAYS:
            del self.replays[next(iter(self.replays))]
        return name

    def _check(self, start: Start) -> Offer:
        """The offer that is meant. Raises MessageError."""
        wish = start.wish
        offers = {offer.kind: offer for offer in self.offers}
        if wish.opponent not in offers:
            raise MessageError(f"the opponent must be one of {', '.join(offers)}; got {quoted(wish.opponent)}")
        offer = offers[wish.opponent]
        _check_one_of("your character", start.character, self.game.characters)
        _check_one_of(f"the character of {offer.kind}", wish.character, offer.characters)
        if wish.precision and offer.precisions:
            _check_one_of("the precision", wish.precision, offer.precisions)
        return offer

    def _opponent(self, offer: Offer, wish: Wish, rng: np.random.Generator) -> Opponent:
        if self.models is None or not offer.precisions:
            return Scripted(self.game.bots[offer.kind], f"{offer.kind} (bot)", rng)
        precision = wish.precision or offer.precisions[0]
        model = self.models.open(offer.kind, wish.character, precision)
        late = f"{wish.delay * MILLISECONDS_PER_DECISION} ms"
        title = f"{offer.kind} {precision}, temperature {wish.temperature:g}, {late}"
        return Learned(model, title, wish.temperature, wish.delay, rng)


def _check_one_of(what: str, given: str, there: tuple[str, ...]) -> None:
    if given not in there:
        more = f", ... ({len(there)})" if len(there) > _NAMED else ""
        raise MessageError(f"{what} must be one of {', '.join(there[:_NAMED])}{more}; got {quoted(given)}")
