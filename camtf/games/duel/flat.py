"""The observation as networks of other libraries take it: numbers in [-1, 1] alone, in one row if wished.

Two things in which the modules are made for this project's own network would keep another one from learning: ids are
given as one number each, and attributes in per mille.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from camtf.games.duel.compiled import compiled
from camtf.games.duel.observation import BASIC_WIDTH, BUFF_FIELDS, BUFF_KINDS, MOVEMENT_COUNT, SKILL_COUNT
from camtf.games.duel.roster import Roster
from camtf.types import Observation

LEGAL_COUNT = MOVEMENT_COUNT + SKILL_COUNT
"""Legal movements, then legal skills: the front of the Action-Mask module. The rest never changes."""


class FlatModules:
    """The modules of a roster's duel, in [-1, 1].

    A character's row of the Element module becomes: each id but the first one-hot, then the attributes in parts of
    their range. The first id, the character's own number, is left out: 320 columns of which one is 1 would be more than
    everything else, and the rest of the row says who it is, of characters never seen too.

    Attributes:
        element_width: E', numbers of one character's row.
        width: F, numbers of a flat row: Basic, Buff (own, then opponent's), Element (own, then opponent's), legal
            movements, legal skills.
    """

    def __init__(self, roster: Roster) -> None:
        module, counts = roster.element_module, roster.id_counts
        hot = [np.eye(count, dtype=np.float32)[module[:, i]] for i, count in enumerate(counts) if i > 0]
        attributes = (module[:, len(counts) :] / 1000).astype(np.float32)
        self._rows = np.ascontiguousarray(np.concatenate([*hot, attributes], axis=1))
        self.element_width = self._rows.shape[1]
        self.width = BASIC_WIDTH + 2 * BUFF_KINDS * len(BUFF_FIELDS) + 2 * self.element_width + LEGAL_COUNT

    def elements(self, element: np.ndarray) -> np.ndarray:
        """The Element module, int32 ``[..., 2, E]``, as float32 ``[..., 2, E']``."""
        return self._rows[element[..., 0]]

    def flat(self, observation: Observation) -> np.ndarray:
        """Observations, leaves ``[n, ...]``, as float32 ``[n, F]``."""
        out = np.empty((len(observation.basic), self.width), np.float32)
        _flatten(observation, self._rows, out)
        return out


@compiled
def _flatten(observation: Any, rows: Any, out: Any) -> None:
    width = rows.shape[1]
    for b in range(out.shape[0]):
        for k in range(BASIC_WIDTH):
            out[b, k] = observation.basic[b, k]
        at = BASIC_WIDTH
        for whose in range(2):
            for kind in range(BUFF_KINDS):
                for field in range(len(BUFF_FIELDS)):
                    out[b, at] = observation.buff[b, whose, kind, field]
                    at += 1
        for whose in range(2):
            row = rows[observation.element[b, whose, 0]]
            for k in range(width):
                out[b, at + k] = row[k]
            at += width
        for k in range(LEGAL_COUNT):
            out[b, at + k] = observation.mask[b, k]
