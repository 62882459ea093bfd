"""What is done to the pages before MkDocs makes the site of them (``hooks`` of ``mkdocs.yml``).

Pages are written to be read in the repository, too. So they link to files outside of ``docs``, which come onto the site
at the same path; notebooks become pages; and the page of all settings is written from the code.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from camtf.config import PRESETS, Config, leaves

ROOT = Path(__file__).parents[1]
DOCS = "docs/"
OUTSIDE = ("mobile/README.md", "CHANGELOG.md", "CONTRIBUTING.md")
"""Pages that are not in ``docs``."""
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#|/)([^)\s#]+)(?=[)#])")
CODE_IN_TABLE = re.compile(r"`[^`]*`")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is not in ``docs``, notebooks as pages, and the page of settings."""
    waiting = [*OUTSIDE, *(DOCS + file.src_uri for file in files.documentation_pages())]
    seen = set(waiting)
    while waiting:
        path = waiting.pop()
        if not path.startswith(DOCS):
            files.append(File.generated(config, path, abs_src_path=str(ROOT / path)))
        if path.endswith(".md"):
            found = {linked(path, target) for target in LINK.findall(without_code((ROOT / path).read_text("utf-8")))}
            new = {p for p in found - seen if not p.startswith((DOCS, "../")) and (ROOT / p).is_file()}
            seen |= new
            waiting += sorted(new - {"README.md"})
    for notebook in [file for file in files if file.src_uri.endswith(".ipynb")]:
        text = "".join(notebook_page(ROOT / DOCS / notebook.src_uri))
        files.append(File.generated(config, notebook.src_uri.removesuffix(".ipynb") + ".md", content=text))
    files.append(File.generated(config, "settings.md", content="".join(settings_page())))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links as the site has them, and tables as MkDocs reads them."""
    here = page.file.src_uri
    path = here if here in {file.src_uri for file in files if outside(file)} else DOCS + here

    def rewritten(match: re.Match[str]) -> str:
        target = linked(path, match[1])
        there = "index.md" if target == "README.md" else target.removeprefix(DOCS)
        return posixpath.relpath(there, posixpath.dirname(here) or ".")

    lines = LINK.sub(rewritten, markdown).split("\n")
    return "\n".join(table_row(line) if line.startswith("|") else line for line in lines)


def outside(file: File) -> bool:
    """Whether it is a file of the repository that is not in ``docs``."""
    return bool(file.generated_by) and file.src_uri not in ("settings.md",) and (ROOT / file.src_uri).is_file()


def linked(path: str, target: str) -> str:
    """The path in the repository that a page links to."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), target))


def without_code(text: str) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.S | re.M)


def table_row(line: str) -> str:
    """A bar inside of code is escaped in the repository; here it would stand there with its backslash."""
    return CODE_IN_TABLE.sub(lambda code: code[0].replace("\\|", "|"), line)


def notebook_page(file: Path) -> Iterator[str]:
    """A notebook without outputs as a page."""
    for number, cell in enumerate(json.loads(file.read_text("utf-8"))["cells"]):
        text = "".join(cell["source"])
        yield f"```python\n{text}\n```\n\n" if cell["cell_type"] == "code" else f"{text}\n\n"
        if number == 0:
            yield f"This page is the notebook [{file.name}]({file.name}).\n\n"


def settings_page() -> Iterator[str]:
    """Every setting of a run, by group."""
    yield "# All settings\n\n"
    yield (
        "Each is a flag of `camtf.train`, by its dotted name: `--ppo.learning_rate=3e-4`. What is not given is the "
        "preset's. A resumed run may change those marked *may change*; all others are kept.\n"
    )
    group = None
    presets = {name: {n: value for n, _, value in leaves(config)} for name, config in PRESETS.items() if name != "test"}
    for name, field, default in leaves(Config()):
        head = name.rpartition(".")[0]
        if head != group:
            group = head
            yield f"\n## {head or 'The run'}\n\n| setting | meaning | default |{''.join(f' {p} |' for p in presets)}\n"
            yield "|---|---|---|" + "---|" * len(presets) + "\n"
        values = "".join(f" {shown(p[name]) if p[name] != default else ''} |" for p in presets.values())
        yield f"| `{name}` | {described(field.metadata)} | {shown(default)} |{values}\n"


def described(metadata: Any) -> str:
    """What a setting is for and what it may be."""
    text = metadata["help"].replace("|", "\\|").rstrip(".")
    if metadata["low"] is not None:
        text += f"; from {metadata['low']} to {metadata['high']}"
    if metadata["choices"]:
        text += "; one of " + ", ".join(f"`{choice}`" if choice else "nothing" for choice in metadata["choices"])
    return text + ("" if metadata["fixed"] else "; *may change*")


def shown(value: object) -> str:
    """A value as a flag takes it."""
    text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value).lower() if value is not None else ""
    return f"`{text}`" if text else ""
