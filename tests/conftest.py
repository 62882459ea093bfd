"""What the tests share: one process in one rank, the real roster and a small one in round numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from camtf import distributed
from camtf.game.roster import Roster, load_roster

distributed.start()


@pytest.fixture(scope="session")
def roster() -> Roster:
    """The roster that camtf brings."""
    return load_roster()


@pytest.fixture(scope="session")
def plain_folder() -> Path:
    """Files of the small roster."""
    return Path(__file__).parent / "roster"


@pytest.fixture(scope="session")
def plain(plain_folder: Path) -> Roster:
    """Anvil and Reed, in round numbers."""
    return load_roster(plain_folder)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)
