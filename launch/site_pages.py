"""What is done to the pages before MkDocs makes the site of them (``hooks`` of ``mkdocs.yml``).

Pages are written to be read in the repository, too. So they link to files outside of ``docs``, which come onto the site
at the same path; and notebooks become pages.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
DOCS = "docs/"
OUTSIDE = ("mobile/README.md", "CHANGELOG.md", "CONTRIBUTING.md")
"""Pages that are not in ``docs``."""
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#|/)([^)\s#]+)(?=[)#])")
FENCE_WORDS = re.compile(r"(?<=^```python) .*$", re.M)
"""What tells tests which program it is."""
CODE_IN_TABLE = re.compile(r"`[^`]*`")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is not in ``docs``, and notebooks as pages."""
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
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links as the site has them; tables and blocks of code as MkDocs reads them."""
    here = page.file.src_uri
    path = here if here in {file.src_uri for file in files if outside(file)} else DOCS + here

    def rewritten(match: re.Match[str]) -> str:
        target = linked(path, match[1])
        there = "index.md" if target == "README.md" else target.removeprefix(DOCS)
        if there.endswith(".ipynb") and here != there.removesuffix(".ipynb") + ".md":
            there = there.removesuffix(".ipynb") + ".md"
        return posixpath.relpath(there, posixpath.dirname(here) or ".")

    lines = LINK.sub(rewritten, FENCE_WORDS.sub("", markdown)).split("\n")
    return "\n".join(table_row(line) if line.startswith("|") else line for line in lines)


def outside(file: File) -> bool:
    """Whether it is a file of the repository that is not in ``docs``."""
    return bool(file.generated_by) and (ROOT / file.src_uri).is_file()


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
