"""Every page says what is there: its programs run, its commands start, its names and links lead somewhere."""

from __future__ import annotations

import ast
import importlib
import json
import re
import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest

import camtf
from camtf.checkpoint import RunDirectory
from mobile.pack import Pack
from tests import command_lines
from tests.command_lines import WrongCommandError
from tests.documents import NOTEBOOKS, PAGES, blocks, headings, inline_code, links, programs, read, target_of
from tests.programs import ROOT

RUN_ELSEWHERE = {
    "docs/other_frameworks.md": "test_other_frameworks.py",
    "docs/own_game.md": "test_own_game.py",
    "docs/own_network.md": "test_own_network.py",
}
"""Pages whose programs another test runs."""
LANGUAGES = {"", "python", "sh", "text", "toml", "js", "cpp"}
FOREIGN_FLAGS = {"--help", "--helpfull", "--version", "--no-deps", "--strict"}
A_RUN = ("runs/mine", "build/mine")
"""What pages call a finished run and its pack."""
WITH_PYTHON = [page for page in [*PAGES, *NOTEBOOKS] if programs(page) and page not in RUN_ELSEWHERE]
ON_A_RUN = [page for page in WITH_PYTHON if any(folder in programs(page) for folder in A_RUN)]


def run_cells(page: str) -> dict[str, Any]:
    """Run a page's blocks one after the other, each as a cell of a notebook: the last expression is shown."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in (block for block in blocks(page) if block.language == "python"):
        body = ast.parse(block.text).body
        shown = body.pop() if body and isinstance(body[-1], ast.Expr) else None
        where = f"{page}:{block.line}"
        exec(compile(ast.Module(body, []), where, "exec"), names)
        if isinstance(shown, ast.Expr):
            value = eval(compile(ast.Expression(shown.value), where, "eval"), names)
            if hasattr(value, "_repr_html_"):
                assert value._repr_html_().startswith("<")
    return names


@pytest.mark.parametrize("page", [page for page in WITH_PYTHON if page not in ON_A_RUN])
def test_programs_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_cells(page)


@pytest.fixture(scope="module")
def finished(evaluated: RunDirectory, report_page: Path, pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, its report and its pack, where the pages have them."""
    folder = tmp_path_factory.mktemp("finished")
    for name, source in zip(A_RUN, (evaluated.path, pack.folder), strict=True):
        shutil.copytree(source, folder / name)
    shutil.copytree(report_page.parent, folder / A_RUN[0], dirs_exist_ok=True)
    return folder


@pytest.mark.parametrize("page", ON_A_RUN)
def test_programs_run_on_a_run(page: str, finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(finished)
    run_cells(page)


def test_the_page_of_settings_is_the_codes() -> None:
    written = runpy.run_path(str(ROOT / "launch" / "settings_page.py"))
    assert read("docs/settings.md") == "".join(written["settings_page"]()), (
        "python launch/settings_page.py writes it anew"
    )


def test_the_version_to_cite_is_the_packages() -> None:
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.*)$", text, re.M) == [camtf.__version__]
    assert re.findall(r"^  - name: (.*)$", text, re.M) == ["the camtf developers"]


def test_programs_that_another_test_runs_are_run_there() -> None:
    for page, test in RUN_ELSEWHERE.items():
        if page in PAGES:
            assert Path(page).name in (ROOT / "tests" / test).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [*PAGES, *NOTEBOOKS])
def test_commands_start(page: str) -> None:
    for block in blocks(page):
        assert block.language.partition(" ")[0] in LANGUAGES, f"{page}:{block.line}: {block.language}"
        if block.language in ("", "sh"):
            for line in command_lines.commands(block.text, strict=block.language == "sh"):
                command_lines.check(line)
    for line in commands_in_programs(page):
        command_lines.check(line)
    for code in inline_code(page):
        if re.match(r"(python -m (camtf|mobile|benchmarks)|horovodrun -np|\./launch)", code):
            command_lines.check(code, complete=False)
        elif re.fullmatch(r"--[a-z][\w.-]*\w(=\S+)?", code) and code.partition("=")[0] not in FOREIGN_FLAGS:
            command_lines.check_flag(code)


def commands_in_programs(page: str) -> list[str]:
    """Command lines that programs of a page start; what they put into them is x."""
    found = []
    for node in ast.walk(ast.parse(programs(page))):
        if isinstance(node, ast.JoinedStr):
            found.append("".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(node.value)
    return [text for text in found if re.match(r"python -m .* --run_dir=.", text)]


@pytest.mark.parametrize(
    "line",
    [
        "python -m camtf.nothing --run_dir=x",
        "python -m camtf.train --run_dir=x --ppo.learning_rates=1e-3",
        "python -m camtf.train --run_dir=x --ppo.learning_rate=-1",
        "python -m camtf.train --run_dir=x --preset=slow",
        "python -m camtf.evaluate",
        "python -m camtf.config",
        "horovodrun --np=2 python -m camtf.train --run_dir=x",
        "horovodrun -np 2 python -m camtf.watch --seed=-1",
        "./launch/nothing.sh",
        "source nothing.sh",
        "pip install '.[nothing]'",
        "pytest tests/test_nothing.py",
        "nothing --at --all",
    ],
)
def test_wrong_commands_are_found(line: str) -> None:
    with pytest.raises(WrongCommandError):
        command_lines.check(line)


def test_wrong_flags_are_found() -> None:
    for given in ("--ppo.step=1", "--preset=slow", "--film_decisions=0"):
        with pytest.raises(WrongCommandError):
            command_lines.check_flag(given)
    command_lines.check_flag("--ppo.epochs")
    command_lines.check_flag("--film_decisions=60")


@pytest.mark.parametrize("page", [*PAGES, *NOTEBOOKS])
def test_names_and_files_exist(page: str) -> None:
    for code in inline_code(page):
        if re.fullmatch(r"(camtf|mobile|benchmarks)(\.\w+)+(\(.*)?", code):
            found(code.partition("(")[0])
        elif re.fullmatch(r"(benchmarks|camtf|docs|launch|mobile|tests)/[\w/.]+", code):
            assert (ROOT / code).exists(), f"{page}: {code}"


def found(name: str) -> Any:
    """What a dotted name leads to."""
    module, _, attributes = name, "", []
    while True:
        try:
            thing: Any = importlib.import_module(module)
            break
        except ModuleNotFoundError as error:
            if error.name is None or not name.startswith(error.name):
                raise
            module, _, last = module.rpartition(".")
            attributes.insert(0, last)
    for attribute in attributes:
        thing = getattr(thing, attribute)
    return thing


@pytest.mark.parametrize("page", [*PAGES, *NOTEBOOKS])
def test_links_lead_somewhere(page: str) -> None:
    for link in links(page):
        file, anchor = target_of(page, link), link.partition("#")[2]
        assert file.exists(), f"{page}: {link}"
        if anchor and file.suffix == ".md":
            assert anchor in headings(str(file.relative_to(ROOT))), f"{page}: {link}"


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_notebooks_are_kept_without_outputs(notebook: str) -> None:
    content = json.loads((ROOT / notebook).read_text(encoding="utf-8"))
    assert content["nbformat"] == 4
    for cell in content["cells"]:
        assert not cell.get("outputs") and cell.get("execution_count") is None


def test_lists_stand_apart() -> None:
    """MkDocs makes no list of lines that follow a paragraph without an empty line."""
    for page in PAGES:
        text = re.sub(r"^```.*?^```$", "", read(page), flags=re.S | re.M)
        before = ""
        for line in text.splitlines():
            begins = re.match(r"(- |\d+\. )", line)
            assert not begins or not before or re.match(r"(- |\d+\. |  )", before), f"{page}: {line}"
            before = line
