"""Writes the page of all settings, ``docs/settings.md``, from the code: ``python launch/settings_page.py``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from camtf.config import PRESETS, Config, leaves

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"


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


if __name__ == "__main__":
    PAGE.write_text("".join(settings_page()), encoding="utf-8")
