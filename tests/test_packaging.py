"""The project as a package: what its wheel holds and asks for, what runs from it alone, and what may be in git."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import camtf
from camtf import console
from mobile.pack import Pack

ROOT = Path(__file__).parents[1]
OURS = {"benchmarks", "camtf", "mobile", "tests"}
ALSO_NAMED = {"tensorflow-cpu": "tensorflow"}
"""TensorFlow without GPU is what the pinned set-up has in place of the TensorFlow that the extra ``train`` asks for."""


def run(*command: object, cwd: Path = ROOT, status: int = 0, **environment: str) -> str:
    """What a program prints, once it has ended as it should."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=inherited | environment, capture_output=True, text=True, timeout=240,
        check=False,
    )  # fmt: skip
    assert done.returncode == status, (done.stdout + done.stderr)[-3000:]
    return done.stderr if status else done.stdout


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the wheel is built from, copied so that building leaves nothing in the project."""
    folder = tmp_path_factory.mktemp("sources")
    for package in ("camtf", "mobile"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    for file in ("setup.py", "pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / file, folder)
    return folder


@pytest.fixture(scope="module")
def wheel(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, as ``pip wheel`` builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder]
    run(sys.executable, "-m", "pip", "wheel", *options, sources)
    (file,) = folder.glob("camtf-*.whl")
    return file


def asked_for(wheel: Path, extra: str = "") -> list[Requirement]:
    """What the wheel needs on this Python, with an extra."""
    with zipfile.ZipFile(wheel) as content:
        (name,) = (name for name in content.namelist() if name.endswith("/METADATA"))
        metadata = content.read(name).decode()
    found = map(Requirement, re.findall(r"^Requires-Dist: (.*)$", metadata, re.M))
    return [r for r in found if r.marker is None or r.marker.evaluate({"extra": extra})]


def test_the_wheel_holds_every_file(sources: Path, wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as content:
        held = {name for name in content.namelist() if ".dist-info/" not in name}
    there = [*sources.glob("camtf/**/*"), *sources.glob("mobile/**/*")]
    needed = {str(file.relative_to(sources)) for file in there if file.is_file() and file.suffix != ".md"}
    assert held == needed and {"camtf/games/duel/roster/characters.toml", "mobile/manifest.schema.json"} <= held


def test_the_console_scripts_are_programs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as content:
        (name,) = (name for name in content.namelist() if name.endswith("/entry_points.txt"))
        scripts = re.findall(r"^([\w-]+) = camtf\.console:main$", content.read(name).decode(), re.M)
    assert set(scripts) == set(console.PROGRAMS)
    assert all(importlib.util.find_spec(module) for module in console.PROGRAMS.values())


def environment(wheel: Path, folder: Path, extra: str = "") -> Path:
    """An environment with the wheel, and of the packages that are installed here only those that it asks for, and
    those that they ask for in turn. Returns its interpreter."""
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel)
    (site,) = folder.glob("lib/python*/site-packages")
    wanted, linked = [r.name for r in asked_for(wheel, extra)], set()
    while wanted:
        name = canonicalize_name(wanted.pop())
        try:
            package = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # a package needs it by its metadata alone
        if name not in linked:
            linked.add(name)
            link(package, site)
            more = map(Requirement, package.requires or [])
            wanted += [r.name for r in more if r.marker is None or r.marker.evaluate({"extra": ""})]
    return python


def link(package: importlib.metadata.Distribution, site: Path) -> None:
    """Lend an installed package to another environment."""
    for top in {file.parts[0] for file in package.files or []} - {"..", "__pycache__"}:
        if not (site / top).exists():
            (site / top).symlink_to(Path(str(package.locate_file(top))).resolve())


def test_the_game_runs_from_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    """Interpreted, for compiling takes a minute; `test_compiled` shows that this is the same game."""
    names = {canonicalize_name(requirement.name) for requirement in asked_for(wheel)}
    assert names - {"tomli"} == {"absl-py", "numba", "numpy"}
    python = environment(wheel, tmp_path / "alone")
    where = run(python, "-c", "import camtf; camtf.DuelGame; print(camtf.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(tmp_path / "alone")
    missing = run(python, "-c", "from camtf.games.adapters import DuelEnv", cwd=tmp_path, status=1).splitlines()[-1]
    assert missing == "ImportError: camtf.games.adapters needs gymnasium; install camtf[gymnasium]"
    (tmp_path / "tests").mkdir()
    for file in ("__init__.py", "interpreted_program.py", "playing.py"):
        shutil.copy(ROOT / "tests" / file, tmp_path / "tests")
    program = [python, "-W", "ignore::RuntimeWarning", "-m", "tests.interpreted_program"]
    assert re.fullmatch(r"[0-9a-f]{64}\n", run(*program, cwd=tmp_path, NUMBA_DISABLE_JIT="1"))
    assert run(python.with_name("camtf-train"), "--version", cwd=tmp_path) == f"camtf {camtf.__version__}\n"
    (line,) = run(python, "-m", "camtf.train", "--run_dir=run", cwd=tmp_path, status=1).splitlines()
    assert line.startswith("error: training needs TensorFlow and a Horovod built for it: No module named 'horovod'; ")


def test_the_game_loads_neither_tensorflow_nor_scipy() -> None:
    """Where they are there. Numba looks at SciPy's version by itself."""
    program = (
        "import sys, numba; before = {*sys.modules}; import camtf; camtf.DuelGame; "
        "new = {name.split('.')[0] for name in {*sys.modules} - before}; "
        "print('camtf' in new, new & {'horovod', 'keras', 'scipy', 'tensorflow'})"
    )
    assert run(sys.executable, "-c", program).strip() == "True set()"


def test_models_run_without_tensorflow(wheel: Path, pack: Pack, tmp_path: Path) -> None:
    python = environment(wheel, tmp_path / "mobile", "mobile")
    decided = run(python, "-m", "mobile.decisions", "pack", pack.folder, cwd=tmp_path)
    assert all(model.file in decided for model in pack.models)
    modules = "mobile.benchmark, mobile.play, mobile.report"
    program = f"import sys, {modules}; print({{'keras', 'scipy', 'tensorflow'}} & {{*sys.modules}})"
    assert run(python, "-c", program, cwd=tmp_path).strip() == "set()"


def imported(folders: list[str]) -> dict[str, str]:
    """Every module from elsewhere that some file in these folders of the project imports, and one such file."""
    found: dict[str, str] = {}
    for file in (file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))):
        for node in ast.walk(ast.parse(file.read_bytes())):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules = [node.module]
            found |= {module.split(".")[0]: str(file.relative_to(ROOT)) for module in modules}
    return {module: file for module, file in found.items() if module not in OURS | sys.stdlib_module_names}


def test_camtf_imports_nothing_of_mobile() -> None:
    """`mobile` depends on camtf, never the reverse. What a flag names is found when it is asked for."""
    for file in (ROOT / "camtf").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_bytes())):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(module.split(".")[0] == "mobile" for module in modules), file


def declared(requirements: list[Any]) -> set[str]:
    return {canonicalize_name(requirement.name) for requirement in requirements}


@pytest.mark.parametrize(
    ("folders", "extras"),
    [
        (["camtf", "mobile"], ["train", "mobile", "play", "film", "figures", "report", "pettingzoo", "open_spiel"]),
        (["camtf", "mobile", "tests", "benchmarks"], ["dev"]),
    ],
)
def test_what_is_imported_is_declared(wheel: Path, folders: list[str], extras: list[str]) -> None:
    names = set().union(*(declared(asked_for(wheel, extra)) for extra in extras))
    names |= {"tomli"}  # asked for where Python has no tomllib yet
    owners = importlib.metadata.packages_distributions()
    undeclared = {}
    for module, file in imported(folders).items():
        packages = {canonicalize_name(name) for name in owners.get(module, [module])}
        if not names & (packages | {ALSO_NAMED.get(name, name) for name in packages}):
            undeclared[module] = file
    assert not undeclared


def test_every_pinned_version_is_in_the_declared_range(wheel: Path) -> None:
    text = (ROOT / "launch" / "requirements.txt").read_text(encoding="utf-8")
    pins = {canonicalize_name(name): version for name, version in re.findall(r"^([\w-]+)==(\S+)$", text, re.M)}
    pins |= {ALSO_NAMED[name]: pins[name] for name in ALSO_NAMED}
    for requirement in asked_for(wheel, "dev"):
        name = canonicalize_name(requirement.name)
        assert name in pins and requirement.specifier.contains(pins[name]), requirement


def ignored_in_git(folder: Path) -> list[str]:
    """Files in git that the project's .gitignore names: build products."""
    return run("git", "ls-files", "--cached", "--ignored", f"--exclude-from={ROOT / '.gitignore'}", cwd=folder).split()


def test_no_build_product_is_in_git(tmp_path: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout: there is no .git")
    assert ignored_in_git(ROOT) == []


def test_a_build_product_in_git_is_found(tmp_path: Path) -> None:
    products = [
        ".venv/bin/python", "a.whl", "build/lib/a.py", "camtf/__pycache__/a.cpython-311.pyc", "camtf/a.nbi",
        "camtf/games/b.nbc", "camtf/lib.so", "camtf.egg-info/PKG-INFO", "dist/a.tar.gz", "mobile/a.tflite", "old.pyc",
        "runs/a/config.json",
    ]  # fmt: skip
    for name in [*products, "camtf/sound.py", "docs/build.md"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    run("git", "init", "--quiet", cwd=tmp_path)
    run("git", "add", "--force", ".", cwd=tmp_path)
    assert ignored_in_git(tmp_path) == sorted(products)
