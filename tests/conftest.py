"""What the tests share: one process in one rank, the real roster and a small one in round numbers, a small run and its
models."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from camtf import distributed
from camtf.algorithms import specialists, train_population
from camtf.checkpoint import RunDirectory
from camtf.config import Config, override, preset
from camtf.evaluation import record
from camtf.evaluation.population import evaluate
from camtf.evaluation.subject import Options
from camtf.games.duel.game import Duel
from camtf.games.duel.roster import Roster, load_roster
from camtf.games.protocol import Game
from camtf.population.training import Context
from camtf.report import write_report
from mobile.export import Exporter
from mobile.export import Options as ExportOptions
from mobile.pack import Pack

distributed.start()
settings.register_profile("no deadline", deadline=None)  # other work on the machine is no failure
settings.load_profile("no deadline")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """What shares a fixture that takes long goes to one worker of pytest-xdist; every other test to any."""
    for item in items:
        known = item._fixtureinfo.name2fixturedefs
        if {"run", "pack", "evaluated"} & known.keys():
            item.add_marker(pytest.mark.xdist_group("run"))
        elif any(fixtures[-1].scope == "module" for fixtures in known.values()):
            item.add_marker(pytest.mark.xdist_group(item.path.name))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says which tests were not run, and why: nobody should take them for passed."""
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped:
        terminalreporter.section(f"{len(skipped)} NOT RUN", "!", red=True, bold=True)
    for report in skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        terminalreporter.line(f"{report.nodeid}: {reason.removeprefix('Skipped: ')}", red=True)


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


@pytest.fixture(scope="session")
def duel(roster: Roster) -> Duel:
    """The duel with that roster."""
    return Duel(roster)


def begun(folder: Path, game: Game, config: Config) -> Context:
    """A run that has begun in a folder."""
    run = RunDirectory(folder)
    run.begin(config, game, write=True)
    return Context(config, game, run)


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory, duel: Duel) -> RunDirectory:
    """A whole run of the test preset. Nothing may change it."""
    context = begun(tmp_path_factory.mktemp("whole") / "run", duel, preset("test"))
    specialists.train(context, train_population(context))
    return context.run


@pytest.fixture(scope="session")
def pack(run: RunDirectory, tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """The run's models in every precision. Nothing may change it."""
    folder = tmp_path_factory.mktemp("pack") / "models"
    Exporter(run, folder, ExportOptions(generalist=True, seed=1)).export()
    return Pack(folder)


@pytest.fixture(scope="session")
def evaluated(run: RunDirectory, duel: Duel, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A copy of the run with a real evaluation of it. Nothing may change it."""
    copy = RunDirectory(shutil.copytree(run.path, tmp_path_factory.mktemp("evaluated") / "run"))
    config = override(preset("test"), {"evaluation.games": 2, "evaluation.bot_games": 4})
    found = evaluate(Context(config, duel, copy), Options(seed=5))
    record.write(copy.path / record.FILE, found)
    return copy


@pytest.fixture(scope="session")
def report_page(evaluated: RunDirectory, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of that evaluation, with its figures beside it. Nothing may change it."""
    written, _ = write_report([str(evaluated.path)], tmp_path_factory.mktemp("report"), tries=1)
    return written


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)
