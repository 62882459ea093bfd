"""Command lines: whatever is typed gives a valid configuration or one line of error, never another exception."""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys
from collections import Counter
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from absl import flags

import camtf
from camtf import command, plan, progress, train
from camtf.config import Config, ConfigError, from_json, leaves, preset, to_json

NAMES = [name for name, _, _ in leaves(Config())]
WORDS = [
    "", " ", "nan", "-nan", "inf", "-inf", "1e400", "1e308", "-1", "0", "-0.0", "1", "2", "7", "512", "0.4", "1.5",
    "1e3", "99999999999", "1" + "0" * 40, "9" * 5000, "0x10", "1_000", "+3", "١٢", "½", "true", "None", "[]", "{}",
    "é", "火狐", "\udcff", "a\nb", "\n", "\0", "'", '"', '"a,b', "a,,b", ",", "ember_fox,ember_fox", "ember_fox,nobody",
    "1,2,3", "64,64", "64,x", "0,1", "synchronous", "impala", "cam", "neupl", "nash", "pfsp", "../..",
    "/dev/null", "x" * 100_000, "%s%n{0}", "$(true)", "-", "--", "=", "quickstart", "all",
]  # fmt: skip


def parsed(arguments: list[str]) -> tuple[Config | None, str]:
    """The configuration of a command line, or the line that it ends with."""
    values = flags.FlagValues()
    train.define_flags(values)
    try:
        command.parse(["train", "--run_dir=x", *arguments], values)
        config = train.config_from_flags(values)
        plan.check(config, 1, train.STAGES[values.stage])
        return config, ""
    except ConfigError as error:
        return None, str(command.failure(error).code)
    except SystemExit as end:
        return None, str(end.code)


def check_valid(config: Config) -> None:
    """Every number is finite, and the configuration survives its file."""
    for name, _, value in leaves(config):
        numbers = value if isinstance(value, tuple) else (value,)
        assert all(math.isfinite(x) for x in numbers if isinstance(x, (int, float))), name
    assert from_json(json.loads(json.dumps(to_json(config)))) == config


def mutation(chance: random.Random) -> list[str]:
    """One to three flags, of which a name or a value is not as it should be; some as they should be."""
    arguments = []
    for _ in range(chance.choice([1, 1, 2, 3])):
        name, value = chance.choice([*NAMES, "preset", "stage"]), chance.choice(WORDS)
        kind = chance.randrange(8)
        if kind == 0:  # a name that is not
            i = chance.randrange(len(name))
            name = chance.choice([name[:i] + name[i + 1 :], name[:i] + chance.choice("é.=- x") + name[i:], "", value])
        if kind == 1:  # a number from anywhere
            exponent = chance.uniform(-320, 320)
            value = chance.choice(
                [str(chance.randint(-(10**12), 10**12)), f"{chance.uniform(-10, 10):.3f}e{exponent:.0f}"]
            )
        if kind == 2:  # several values
            value = ",".join(chance.choice(WORDS) for _ in range(chance.randrange(1, 30)))
        if kind == 3:  # a value of another setting
            value = str(chance.choice([value for _, _, value in leaves(Config())]))
        arguments += [f"--{name}", value] if kind == 4 else [f"--{name}" if kind == 5 else f"--{name}={value}"]
    return arguments


def test_mutated_command_lines() -> None:
    chance, found = random.Random(20), Counter[str]()
    for _ in range(2000):
        arguments = mutation(chance)
        config, line = parsed(arguments)
        if config is not None:
            check_valid(config)
            found["valid"] += 1
            continue
        assert line.startswith("error: ") and "\n" not in line and len(line) < 1100, (arguments, line)
        found["flag" if "--help" in line else "argument" if "unexpected" in line else "setting"] += 1
    assert min(found[kind] for kind in ("valid", "flag", "setting")) > 100, found


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--ppo.clip_epsilo=1"], "error: Unknown command line flag 'ppo.clip_epsilo'. Did you mean: ppo.clip_epsilon"),
        (["--seed=x"], "error: flag --seed=x: invalid literal"),
        (["--reward.result=1e38"], "error: RewardConfig.result must be in [0.0, 10000.0], got 1e+38"),
        (["--ppo.target_kl=inf"], "error: PPOConfig.target_kl must be in [0.0, 1000.0], got inf"),
        (["--network.trunk=64,x"], "error: --network.trunk must be comma-separated integers, got '64,x'"),
        (["--game.characters=ember_fox,ember_fox", "--specialists.groups=2"],
         "error: GameConfig.characters must name each character once, got 'ember_fox' twice"),
        (["--preset=test", "more"], "error: unexpected arguments ['more']"),
        (["--preset=tset"], "error: flag --preset=tset: value should be one of <paper|quickstart|test>; --help"),
        (["--" + "x" * 100_000], "error: unknown flag '--xxx"),
        (["--generalists.algorithm=" + "x" * 100_000], "error: flag --generalists.algorithm=xxx"),
    ],
)  # fmt: skip
def test_a_wrong_command_line_is_one_line(arguments: list[str], line: str) -> None:
    config, said = parsed(arguments)
    assert config is None and said.startswith(line) and len(said) < 1100


def test_flags_lie_over_the_preset() -> None:
    arguments = ["--preset=test", "--ppo.learning_rate=3e-4", "--network.trunk=64,32", "--game.characters=iron_bull"]
    arguments += ["--generalists.algorithm=neupl", "--generalists.belief"]
    config, line = parsed(arguments)
    assert config is not None, line
    before = {name: value for name, _, value in leaves(preset("test"))}
    different = {name: value for name, _, value in leaves(config) if value != before[name]}
    expected: dict[str, Any] = {"ppo.learning_rate": 3e-4, "network.trunk": (64, 32), "game.characters": ("iron_bull",)}
    expected |= {"generalists.algorithm": "neupl", "generalists.belief": True}
    assert different == expected


def answered(asked: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What a question of the command line prints, which ends with status 0."""
    values = flags.FlagValues()
    train.define_flags(values)
    with pytest.raises(SystemExit) as end:
        command.answer_questions(["train", "--run_dir=x", asked], "About ``train``.\n", train.SHOWN, values)
    assert end.value.code == 0
    return capsys.readouterr().out


def test_help_shows_the_flags_that_matter_and_helpfull_all(capsys: pytest.CaptureFixture[str]) -> None:
    lines = answered("--help", capsys).splitlines()
    assert lines[0] == "About train."
    heads = [line.strip().removeprefix("--").split("=")[0] for line in lines if line.startswith("  --")]
    assert heads == list(train.SHOWN) and len(heads) == 20
    assert "  --preset=quickstart" in lines and lines[-1] == f"{len(NAMES) + 3 - 20} more settings: --helpfull"
    assert answered("-h", capsys).splitlines() == lines
    full = answered("--helpfull", capsys)
    for name, field, _ in leaves(Config()):
        assert f"  --{name}=" in full or f"  --[no]{name}\n" in full
        assert field.metadata["help"].split()[0] in full
    with pytest.raises(SystemExit):  # a flag of other name is none of these questions
        command.parse(["train", "--run_dir=x", "--helpful"])
    assert command.answer_questions(["train", "--run_dir=x", "--seed=1"], "", (), flags.FlagValues()) is None


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert answered("--version", capsys) == f"camtf {camtf.__version__}\n" == f"camtf {metadata.version('camtf')}\n"


def test_a_program_answers_before_it_needs_its_flags() -> None:
    command_line = [sys.executable, "-m", "camtf.train", "--help"]
    done = subprocess.run(command_line, cwd=Path(__file__).parents[1], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Train a population: ") and "  --stage=all\n" in done.stdout
    assert done.stdout.count("  --") == 20


def test_the_end_of_a_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    command.say_last({"models": Path("build/x")}, {"time them": f"benchmark {command.flag('model_dir', 'a b')}"})
    assert capsys.readouterr().out.splitlines() == [
        "", "where everything is", "  models     build/x",
        "", "what to type next", "  time them  benchmark --model_dir='a b'",
    ]  # fmt: skip
    long = {str(i): i for i in range(100)}
    command.print_result(long, Path("x.json"))
    assert json.loads(capsys.readouterr().out) == long  # for programs
    monkeypatch.setattr(progress, "for_a_person", lambda stream: True)
    command.print_result(long, Path("x.json"))
    assert capsys.readouterr().out == ""
    for found, file in ((long, None), ({"a": 1}, Path("x.json"))):
        command.print_result(found, file)
        assert json.loads(capsys.readouterr().out) == found
