"""What an observation and an action look like to another library, as numbers and as Gymnasium's spaces."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from camtf.games.duel.flat import LEGAL_COUNT, FlatModules
from camtf.games.duel.observation import BASIC_WIDTH, BUFF_FIELDS, BUFF_KINDS, MASK_WIDTH, MOVEMENT_COUNT, SKILL_COUNT
from camtf.games.duel.roster import Roster
from camtf.types import Observation

try:
    from gymnasium import spaces
except ImportError as error:
    raise ImportError(f"camtf.games.adapters needs {error.name}; install camtf[gymnasium]") from error


class Actions(Protocol):
    """How a choice is written.

    Attributes:
        space: of one player's choice.
        count: A, numbers of its mask.
    """

    space: spaces.Space
    count: int

    def read(self, choices: Any, *leading: int) -> np.ndarray:
        """Choices in an array with these leading dimensions as int32 ``[*leading, H]``. Raises ValueError on what is
        not in the space."""

    def mask(self, legal: np.ndarray) -> np.ndarray:
        """What is legal, int8 ``[n, A]``, from 0 or 1 for each movement and each skill ``[n, M + K]``."""

    def sampling_mask(self, mask: np.ndarray) -> Any:
        """The same in the form in which the space's ``sample`` takes it, with all leading dimensions kept."""


class Heads:
    """Movement and skill: ``MultiDiscrete([9, 10])``, its mask 9 and then 10 numbers."""

    def __init__(self) -> None:
        self.space = spaces.MultiDiscrete([MOVEMENT_COUNT, SKILL_COUNT])
        self.count = LEGAL_COUNT

    def read(self, choices: Any, *leading: int) -> np.ndarray:
        """See `Actions`."""
        what = f"two whole numbers, movement 0 to {MOVEMENT_COUNT - 1} and skill 0 to {SKILL_COUNT - 1}"
        return _checked(choices, leading, (MOVEMENT_COUNT, SKILL_COUNT), what)

    def mask(self, legal: np.ndarray) -> np.ndarray:
        """See `Actions`."""
        return legal.astype(np.int8)

    def sampling_mask(self, mask: np.ndarray) -> Any:
        """See `Actions`."""
        return mask[..., :MOVEMENT_COUNT], mask[..., MOVEMENT_COUNT:]


class Joint:
    """One number, ``10 * movement + skill``: ``Discrete(90)``, for what knows no more than one choice."""

    def __init__(self) -> None:
        self.count = MOVEMENT_COUNT * SKILL_COUNT
        self.space = spaces.Discrete(self.count)

    def read(self, choices: Any, *leading: int) -> np.ndarray:
        """See `Actions`."""
        chosen = _checked(choices, leading, (self.count,), f"a whole number, 0 to {self.count - 1}")
        return np.stack(np.divmod(chosen, np.int32(SKILL_COUNT)), axis=-1)

    def mask(self, legal: np.ndarray) -> np.ndarray:
        """See `Actions`."""
        both = legal[:, :MOVEMENT_COUNT, None] * legal[:, None, MOVEMENT_COUNT:]
        return both.reshape(len(legal), self.count).astype(np.int8)

    def sampling_mask(self, mask: np.ndarray) -> Any:
        """See `Actions`."""
        return mask


ACTIONS: dict[str, type[Actions]] = {"heads": Heads, "joint": Joint}
"""Values of the argument ``actions``."""

LAYOUTS = ("modules", "flat", "rllib", "tianshou", "network")
"""Values of the argument ``observation``; see `Layout`."""


class Layout:
    """One of LAYOUTS. F is the width of `FlatModules`, E' that of a character's row in it, A the actions' mask.

    ============  =================================================================================================
    ``modules``   Dict of *basic* ``[288]``, *buff* ``[2, 14, 3]``, *element* ``[2, E']`` in [-1, 1] and
                  *action_mask* ``[A]``
    ``flat``      Box ``[F]`` in [-1, 1], the same numbers in one row
    ``rllib``     Dict of *observations*, which is flat, and *action_mask* ``[A]``
    ``tianshou``  Dict of *obs*, which is flat, and *mask* ``[A]``
    ``network``   Dict of the four modules as this project's network takes them, ids and per mille included, and
                  *action_mask* in the form in which the action space's ``sample`` takes it
    ============  =================================================================================================

    Raises ValueError on another name.
    """

    def __init__(self, name: str, roster: Roster, actions: Actions) -> None:
        if name not in LAYOUTS:
            raise ValueError(f"observation must be one of {', '.join(LAYOUTS)}; got {name!r}")
        self.name = name
        self._actions = actions
        self._flat = FlatModules(roster)
        self.space = self._space(roster.element_module.shape[1])

    def see(self, observation: Observation) -> Any:
        """What is shown of one player's observations, leaves ``[n, ...]``: arrays ``[n, ...]`` of their own."""
        if self.name == "flat":
            return self._flat.flat(observation)
        mask = self.mask(observation)
        if self.name == "rllib":
            return {"observations": self._flat.flat(observation), "action_mask": mask.astype(np.float32)}
        if self.name == "tianshou":
            return {"obs": self._flat.flat(observation), "mask": mask}
        seen = {"basic": observation.basic.copy(), "buff": observation.buff.copy()}
        if self.name == "modules":
            return {**seen, "element": self._flat.elements(observation.element), "action_mask": mask}
        modules = {**seen, "element": observation.element.copy(), "mask": observation.mask.copy()}
        return {**modules, "action_mask": self._actions.sampling_mask(mask)}

    def mask(self, observation: Observation) -> np.ndarray:
        """What is legal for one player, int8 ``[n, A]``."""
        return self._actions.mask(observation.mask[:, :LEGAL_COUNT])

    def _space(self, element_width: int) -> spaces.Space:
        legal = spaces.MultiBinary(self._actions.count)
        flat = spaces.Box(-1.0, 1.0, (self._flat.width,), np.float32)
        if self.name == "flat":
            return flat
        if self.name == "rllib":
            ones = spaces.Box(0.0, 1.0, (self._actions.count,), np.float32)
            return spaces.Dict({"observations": flat, "action_mask": ones})
        if self.name == "tianshou":
            return spaces.Dict({"obs": flat, "mask": legal})
        basic = spaces.Box(-1.0, 1.0, (BASIC_WIDTH,), np.float32)
        buff = spaces.Box(0.0, 1.0, (2, BUFF_KINDS, len(BUFF_FIELDS)), np.float32)
        if self.name == "modules":
            element = spaces.Box(-1.0, 1.0, (2, self._flat.element_width), np.float32)
            return spaces.Dict({"basic": basic, "buff": buff, "element": element, "action_mask": legal})
        parts = self._actions.sampling_mask(np.zeros(self._actions.count))
        if isinstance(parts, tuple):
            legal = spaces.Tuple([spaces.MultiBinary(len(part)) for part in parts])
        element = spaces.Box(-1000, 1000, (2, element_width), np.int32)
        mask = spaces.Box(0.0, 1.0, (MASK_WIDTH,), np.float32)
        return spaces.Dict({"basic": basic, "buff": buff, "element": element, "mask": mask, "action_mask": legal})


def action_form(name: str) -> Actions:
    """One of ACTIONS. Raises ValueError on another name."""
    if name not in ACTIONS:
        raise ValueError(f"actions must be one of {', '.join(ACTIONS)}; got {name!r}")
    return ACTIONS[name]()


def row(batch: Any, index: int) -> Any:
    """One row of what `Layout.see` gives, in arrays of its own."""
    if isinstance(batch, dict):
        return {name: row(part, index) for name, part in batch.items()}
    if isinstance(batch, tuple):
        return tuple(row(part, index) for part in batch)
    return batch[index].copy()


def _checked(choices: Any, leading: tuple[int, ...], counts: tuple[int, ...], what: str) -> np.ndarray:
    """Choices as int32, each below its count: one, or of an array of them with these leading dimensions each."""
    shape = leading if len(counts) == 1 else (*leading, len(counts))
    try:
        given = np.asarray(choices)
    except ValueError:  # rows of different lengths
        given = np.empty(0, object)
    if given.shape != shape or given.dtype.kind not in "iu":
        form = f", and many an array of shape {shape}" if leading else ""
        quoted = f"an array of shape {given.shape}" if given.size > _SHOWN else repr(choices)
        raise ValueError(f"an action is {what}{form}; got {quoted}")
    columns = given.astype(np.int64).reshape(-1, len(counts)).T.view(np.uint64)  # below 0 is far above
    outside = [column >= count for column, count in zip(columns, counts, strict=True)]
    if any(column.any() for column in outside):
        match = int(np.any(outside, axis=0).argmax())
        quoted = f"{given[match].tolist()} for match {match}" if leading else repr(choices)
        raise ValueError(f"an action is {what}; got {quoted}")
    return given.astype(np.int32)


_SHOWN = 8
"""Numbers that a message lists."""
