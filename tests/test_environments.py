"""The project in clean environments, as its users make them: what pip installs from the package index, and if it runs.

Not part of the ordinary suite, for each takes a minute and all need a network: ``pytest -m environments``.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mobile.pack import Pack
from tests.manual_programs import programs
from tests.test_packaging import ROOT, sources, wheel

__all__ = ["sources", "wheel"]  # fixtures

pytestmark = pytest.mark.environments

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
ALONE = {"absl-py", "camtf", "llvmlite", "numba", "numpy"}
MINUTES = 60


def answer(*command: object, cwd: Path, minutes: int = 10, **environment: str) -> str:
    """What a program prints, once it has ended well. It sees no module of this process's."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=inherited | environment, capture_output=True, text=True,
        timeout=minutes * MINUTES, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


def interpreter(version: str) -> str:
    """A CPython of this version, on the path or of pyenv; skips where there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    candidates = [shutil.which(f"python{version}"), *map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/python")))]
    program = "import ensurepip, platform, venv; print(platform.python_implementation(), platform.python_version())"
    for candidate in filter(None, candidates):
        done = subprocess.run([candidate, "-c", program], capture_output=True, text=True, check=False)
        if done.stdout.startswith(f"CPython {version}."):
            return str(candidate)
    pytest.skip(f"no CPython {version} with ensurepip and venv, neither on the path nor in {pyenv}")


def installed(folder: Path, version: str, *what: object) -> Path:
    """A new environment in which pip has installed this. Returns its interpreter."""
    answer(interpreter(version), "-m", "venv", folder, cwd=folder.parent)
    python = folder / "bin" / "python"
    answer(python, "-m", "pip", "install", "--quiet", *what, cwd=folder.parent)
    return python


def packages(python: Path) -> set[str]:
    """What an environment holds, but for what it was made with."""
    listed = json.loads(answer(python, "-m", "pip", "list", "--format=json", cwd=python.parent))
    return {package["name"].lower().replace("_", "-") for package in listed} - {"pip", "setuptools"}


def played(python: Path | str, folder: Path) -> str:
    """The digest of a match that an environment plays in compiled code of its own, from a folder without the project's
    packages."""
    (folder / "tests").mkdir(parents=True)
    for file in ("__init__.py", "interpreted_program.py", "playing.py"):
        shutil.copy(ROOT / "tests" / file, folder / "tests")
    digest = answer(python, "-m", "tests.interpreted_program", cwd=folder, NUMBA_CACHE_DIR=str(folder / "cache"))
    assert re.fullmatch(r"[0-9a-f]{64}\n", digest)
    return digest


@pytest.mark.parametrize("version", PYTHONS)
def test_the_game_alone(wheel: Path, tmp_path: Path, version: str) -> None:
    """NumPy, Numba and absl-py come with it and nothing else, and the game is the same one, bit for bit."""
    python = installed(tmp_path / "alone", version, wheel)
    assert packages(python) == ALONE | ({"tomli"} if version == "3.10" else set())
    answer(python, "-c", "import camtf; camtf.DuelGame", cwd=tmp_path)
    assert answer(python.with_name("camtf-train"), "--version", cwd=tmp_path).startswith("camtf ")
    assert played(python, tmp_path / "there") == played(sys.executable, tmp_path / "here")


def test_from_the_sources(sources: Path, tmp_path: Path) -> None:
    """``pip install .``, which builds in an environment of its own."""
    python = installed(tmp_path / "built", PYTHONS[-1], sources)
    assert packages(python) == ALONE
    answer(python, "-c", "import camtf; camtf.DuelGame", cwd=tmp_path)


@pytest.mark.parametrize("version", PYTHONS)
def test_models_without_tensorflow(wheel: Path, pack: Pack, tmp_path: Path, version: str) -> None:
    python = installed(tmp_path / "mobile", version, f"{wheel}[mobile]")
    assert not {name for name in packages(python) if "tensorflow" in name or name in ("keras", "horovod")}
    decided = json.loads(answer(python, "-m", "mobile.decisions", "pack", pack.folder, cwd=tmp_path))
    assert decided


@pytest.mark.parametrize("version", PYTHONS)
def test_gymnasium_makes_the_duel(wheel: Path, tmp_path: Path, version: str) -> None:
    python = installed(tmp_path / "gymnasium", version, f"{wheel}[gymnasium]")
    program = (
        "import camtf, gymnasium; envs = gymnasium.make_vec('camtf/Duel-v0', num_envs=8, observation='flat'); "
        "envs.reset(seed=1); print(envs.step(envs.action_space.sample())[0].shape)"
    )
    assert re.fullmatch(r"\(8, \d+\)\n", answer(python, "-c", program, cwd=tmp_path))


@pytest.mark.parametrize(("version", "extra"), [("3.10", "train"), ("3.11", "train"), ("3.10", "dev"), ("3.11", "dev")])
def test_what_training_needs_can_be_had(wheel: Path, tmp_path: Path, version: str, extra: str) -> None:
    """pip finds versions that go together. What it would install is 2 GB: `launch/setup.sh` does."""
    python = installed(tmp_path / extra, version, "pip>=24")
    file = tmp_path / "report.json"
    options = ["--quiet", "--dry-run", "--report", file]
    answer(python, "-m", "pip", "install", *options, f"{wheel}[{extra}]", cwd=tmp_path, minutes=20)
    found = {entry["metadata"]["name"].lower() for entry in json.loads(file.read_text())["install"]}
    assert {"camtf", "tensorflow", "horovod", "tensorflow-probability"} <= found
    assert ("mypy" in found) == (extra == "dev")


@pytest.fixture(scope="session")
def example_pythons() -> dict[str, Path]:
    """Environments of the examples that were made already, by their requirements."""
    return {}


@pytest.fixture
def example_python(
    wheel: Path, example_pythons: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """The interpreter of an environment with the requirements of this name."""

    def made(requirements: str) -> Path:
        if requirements not in example_pythons:
            wanted = f"{wheel}[gymnasium]", "-r", ROOT / "examples" / requirements
            folder = tmp_path_factory.mktemp("examples") / "environment"
            example_pythons[requirements] = installed(folder, "3.11", *wanted)
        return example_pythons[requirements]

    return made


EXAMPLES = {
    "ppo_torch.py": ("requirements.txt", ["--steps=8192", "--matches=64"]),
    "sb3_maskable_ppo.py": ("requirements.txt", ["--steps=8192", "--matches=64"]),
    "rllib_ppo.py": ("requirements-rllib.txt", ["--steps=8192", "--matches=32"]),
}
"""Each example with what it needs and how little it is to train here."""


@pytest.mark.parametrize("example", list(EXAMPLES))
def test_examples_run_as_they_stand(example_python: Callable[[str], Path], tmp_path: Path, example: str) -> None:
    requirements, arguments = EXAMPLES[example]
    printed = answer(example_python(requirements), ROOT / "examples" / example, *arguments, cwd=tmp_path)
    rates = re.findall(r"(\d+) steps.*: (\d+) % of (\d+) matches won", printed)
    assert rates and int(rates[-1][0]) >= 8192 and int(rates[-1][2]) > 0 and 0 <= int(rates[-1][1]) <= 100, printed


@pytest.mark.parametrize(
    ("library", "requirements"), [("sb3", "requirements.txt"), ("tianshou", "requirements-tianshou.txt")]
)
def test_programs_of_the_page_on_other_frameworks(
    example_python: Callable[[str], Path], tmp_path: Path, library: str, requirements: str
) -> None:
    (program,) = programs("other_frameworks.md", f"python {library}")
    answer(example_python(requirements), "-c", program, cwd=tmp_path)
