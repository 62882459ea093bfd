"""camtf: a policy of its own for every character of a fighting game, trained with Horovod, played on a phone.

The map, in the order in which data flows:

=============================  =====================================================================================
`camtf.config`                 a run as nested frozen dataclasses, and its presets
`camtf.plan`                   is the plan of a run one that its ranks can share? Checked before it starts
`camtf.games`                  what a game is; `duel`: roster (TOML) -> rules (a tick) -> observation -> B matches;
                               `matrix`, `open_spiel`: small games with known answers
`camtf.types`                  the records that flow: `Observation`, `Step`, `Segment`, `Battles`; dimension letters
`camtf.model`                  the four-module network and the policy made of it
`camtf.learn`                  rollouts -> returns -> PPO update, over all ranks
`camtf.population`             who plays whom: graph, frozen pool; stage 1 `generalists`, stage 2 `specialists`
`camtf.evaluation`             battles to the end, intervals, balance, tables; `exact` values of small games
`camtf.distributed`            the ranks; the only importer of Horovod
`camtf.files`                  whole or not there; what is read back is what was written, or refused by name
`camtf.checkpoint`             files of a run: atomic, complete, without pickle
`camtf.train`                  entry point: train, resume
`camtf.evaluate`               entry point: measure a finished run
`camtf.watch`, `camtf.balance` entry points: a match in the browser; the balance of the roster
`camtf.gallery`                entry point: a page of characters with pictures
`camtf.notebook`               matches and reports inside of a notebook
`camtf.play`                   entry point: a person against a policy, in the browser, in real time
`mobile` (beside this)         export to TFLite, verify, benchmark, report
=============================  =====================================================================================

Importing `camtf` alone loads neither TensorFlow nor Horovod: the game can be used by itself. Where Gymnasium is
installed, it then makes the duel by name (`camtf.games.adapters`).
"""

from camtf.config import Config, ConfigError, preset
from camtf.games.adapters import registration as _registration  # noqa: F401
from camtf.games.duel import DuelGame, Roster, RosterError, load_roster
from camtf.types import Observation, Step
from camtf.version import VERSION as __version__

__all__ = [
    "Config",
    "ConfigError",
    "DuelGame",
    "Observation",
    "Roster",
    "RosterError",
    "Step",
    "__version__",
    "load_roster",
    "preset",
]
