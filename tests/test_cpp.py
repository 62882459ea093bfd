"""The headers in C++: what they read of a pack is what Python reads, and damage is one line that names the file."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest

from camtf.config import preset
from mobile import deltas, files, golden
from mobile.pack import Pack
from mobile.runtime import choose, gumbel
from tests.damage import mutations
from tests.test_pack import change, tell

ROOT = Path(__file__).parents[1]
LIBRARY = Path(os.environ.get("CAMTF_TFLITE_C", ROOT / "build" / "tflite_c"))
IDS = preset("test").game.characters
WARNINGS = "-Wall -Wextra -Wpedantic -Werror"
SANITIZED = "-O0 -fsanitize=address,undefined -fno-sanitize-recover=all"

needs_compiler = pytest.mark.skipif(
    shutil.which("g++") is None or not Path("/usr/include/zlib.h").exists(),
    reason="no g++ or no zlib.h to compile with (Debian: apt-get install g++ zlib1g-dev)",
)
needs_library = pytest.mark.skipif(
    not (LIBRARY / "include/tensorflow/lite/c/c_api.h").exists(),
    reason=f"no TensorFlow Lite C library in {LIBRARY} nor in CAMTF_TFLITE_C: ./launch/node_packages.sh fetches one",
)


def shell(command: str, **variables: str) -> None:
    """Run a command in the project's folder."""
    environment = {**os.environ, **variables}
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("cpp") / "readers"
    shell(f"g++ -std=c++17 {WARNINGS} {SANITIZED} -I mobile/cpp tests/cpp_readers.cc -o {program} -lz")
    return program


def read(program: Path, kind: str, contents: list[bytes], folder: Path) -> list[str]:
    """A line of the program for each content. Fails where it reads or computes what it must not."""
    names = []
    for i, content in enumerate(contents):
        names.append(str(folder / f"{kind}{i}"))
        Path(names[-1]).write_bytes(content)
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}  # which needs rights that a container may not give
    done = subprocess.run([program, kind, *names], capture_output=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode("utf-8", "replace").split("\n")[:-1]


@needs_compiler
def test_json_by_hand(readers: Path, tmp_path: Path) -> None:
    cases = {
        r'{"b": [1, -2.5e2, []], "a": {"x": true}}': "{'61':{'78':-,},'62':[1.000000,-250.000000,[],],}",
        r'"\u00e9\ud83d\ude00\n\"\u20ac é"': "'" + 'é😀\n"€ é'.encode().hex() + "'",
        "[1,]": "error: it is no JSON: a value is needed at byte 3",
        '{"a": 1, "a": 2}': "error: it is no JSON: each name once is needed at byte 15",
        '{"a" 1}': "error: it is no JSON: ':' is needed at byte 5",
        "NaN": "error: it is no JSON: a value is needed at byte 0",
        "1e999": "error: it is no JSON: a value is needed at byte 0",
        "[1] 2": "error: it is no JSON: the end is needed at byte 4",
        '"\\ud83d\\u0041"': "error: it is no JSON: the second of a pair is needed at byte 13",
        '"\\u00g0"': "error: it is no JSON: four hexadecimal digits is needed at byte 3",
        '"a\nb"': "error: it is no JSON: the rest of a string is needed at byte 2",
        "": "error: it is no JSON: a value is needed at byte 0",
        "[" * 99_999: "error: it is no JSON: less nesting is needed at byte 65",
    }
    assert read(readers, "json", [text.encode() for text in cases], tmp_path) == list(cases.values())


@needs_compiler
def test_deltas_and_golden_observations_are_those_of_python(readers: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    base, tensors = np.arange(1000, dtype="<f4").tobytes(), [(4, 600), (2800, 300)]
    steps = np.array([0.1, 3e-7], "<f4").tobytes()  # products and sums that both round
    delta = zlib.compress(steps + rng.integers(-127, 128, 900, np.int8).tobytes())
    bomb, nan = zlib.compress(bytes(1 << 24)), zlib.compress(np.array([np.nan, 1], "<f4").tobytes() + bytes(900))
    lines = read(readers, "delta", [delta, delta[:-3], delta + b"x", bomb, nan], tmp_path)
    assert lines[0] == files.digest(deltas.decode(base, delta, tensors))
    assert lines[1:4] == ["error: damaged: its compressed bytes are not those of 908 bytes"] * 3
    assert lines[4] == "error: a step is not finite"

    arrays = {"a": rng.normal(size=(3, 2, 5)).astype("f4"), "b": rng.integers(-9, 9, (3,)).astype("i4")}
    stored = io.BytesIO()
    np.savez(stored, **arrays)
    wrong = [golden.encode({"a": x}) for x in (np.zeros((0, 2), "f4"), np.zeros(2), np.zeros((2, 2), "f4", order="F"))]
    lines = read(readers, "npz", [golden.encode(arrays), stored.getvalue(), *wrong], tmp_path)
    a, b = (files.digest(x.tobytes()) for x in arrays.values())
    assert lines[:2] == [f"'61' float32 3 2 5 {a},'62' int32 3 {b},"] * 2
    assert [line.split(":")[0] for line in lines[2:]] == ["error"] * 3


@needs_compiler
def test_choices_are_those_of_python(readers: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    logits, uniforms = rng.normal(size=(200, 19)).astype("<f4"), rng.uniform(0.01, 0.99, (200, 19)).astype("<f4")
    mask = (rng.random((200, 29)) < 0.4).astype("<f4")
    logits[:, 1] = logits[:, 0]  # of equals the first
    logits[0], mask[0], uniforms[0] = 0.0, 0.0, 0.5
    logits[0, :3], mask[0, [0, 2, 9]], uniforms[0, 2] = [0.3, 1.2, -0.5], 1.0, 0.9  # by hand in mobile/README.md
    rows = [a.tobytes() + b.tobytes() + c.tobytes() for a, b, c in zip(logits, mask, uniforms, strict=True)]
    lines = read(readers, "choice", rows, tmp_path)
    drawn = choose(logits, mask, 9, gumbel(uniforms))
    expected = np.concatenate([choose(logits, mask, 9), drawn], axis=1)
    assert lines[0] == "0 0 2 0" and lines == [" ".join(map(str, row)) for row in expected.tolist()]


@needs_compiler
def test_damage_below_the_digests_is_an_error(readers: Path, pack: Pack, tmp_path: Path) -> None:
    """Under the sanitizers: no byte beyond a file is read, and what is not refused has its right form."""
    tflite = (pack.folder / pack.entry(IDS[0], "float32").file).read_bytes()
    start = tflite[: 12 << 10]  # the graph; weights come later
    contents = {
        "npz": (pack.folder / f"{IDS[0]}.golden.npz").read_bytes(),
        "json": (pack.folder / "manifest.json").read_bytes(),
        "signature": tflite,
    }
    (signature,) = read(readers, "signature", [tflite], tmp_path)
    names = [bytes.fromhex(name).decode() for name in re.findall(r"'(\w+)':\d", signature)]
    assert names == ["basic", "buff", "element", "mask", "movement", "skill"]
    for kind, whole in contents.items():
        damaged = [whole, *mutations(whole, 100)]
        if kind == "signature":
            damaged += [m + tflite[len(start) :] for m in mutations(start, 100)]
        lines = read(readers, kind, damaged, tmp_path)
        assert len(lines) == len(damaged) and not lines[0].startswith("error")
        if kind == "npz":
            assert len({line for line in lines if not line.startswith("error")}) < 20


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made by the command of mobile/README.md."""
    text = (ROOT / "mobile" / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^    (g\+\+ (?:.*\\\n)*.*)$", text, re.M)
    made = tmp_path_factory.mktemp("cpp") / "golden"
    command = command.replace("-o build/golden", f"-o {made} {WARNINGS}")
    assert str(made) in command
    shell(command, TFLITE=os.path.relpath(LIBRARY, ROOT))
    return made


def run(program: Path, *arguments: Path | str) -> tuple[int, list[str], str]:
    done = subprocess.run([program, *arguments], capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines(), done.stderr


@needs_compiler
@needs_library
def test_every_model_decides_on_its_golden_observations(program: Path, pack: Pack) -> None:
    status, (about, *lines), error = run(program, pack.folder, pack.manifest["game_digest"])
    assert about.startswith(f"{len(pack.models)} models, TensorFlow Lite 2.")
    pattern = r"(\w+) +(\w+) +(\d+) of  64 decisions as Keras, logits within (\S+), median (\S+) us, p99 (\S+) us"
    found = [re.fullmatch(pattern, line) for line in lines]
    assert [(m[1], m[2]) for m in found if m] == [(m.character, m.precision) for m in pack.models]
    wrong = 0
    for m in filter(None, found):
        assert 0 < float(m[5]) <= float(m[6])
        if m[2] == "int8":  # TensorFlow Lite before 2.14 computes these wrongly, which the program must see
            wrong += int(m[3]) < 0.9 * 64
        else:
            assert int(m[3]) >= (64 if m[2] != "delta" else 60)
            assert float(m[4]) < {"float32": 1e-5, "float16": 1e-2, "delta": 0.1}[m[2]]
    assert (status, error) == (
        (1, "error: this TensorFlow Lite computes a model otherwise than it should\n") if wrong else (0, "")
    )


@needs_compiler
@needs_library
def test_a_bad_pack_is_one_line_that_names_the_file(program: Path, pack: Pack, tmp_path: Path) -> None:
    folder = shutil.copytree(pack.folder, tmp_path / "models")
    whole = {file.name: file.read_bytes() for file in folder.iterdir()}
    int8, delta, seen = f"{IDS[0]}.int8.tflite", f"{IDS[0]}.delta", f"{IDS[0]}.golden.npz"
    first = pack.models[0].file

    def check(message: str, name: str = "manifest.json") -> None:
        status, _, error = run(program, folder)
        assert status == 1 and error.count("\n") == 1 and error.startswith("error: "), error
        assert f"{name}" in error and message in error, error
        for file, content in whole.items():
            (folder / file).write_bytes(content)

    assert run(program, tmp_path) == (1, [], f"error: {tmp_path}/manifest.json cannot be read\n")
    assert "golden PACK" in run(program)[2]
    assert "are for the game" in run(program, folder, "0" * 64)[2]
    (folder / "manifest.json").write_bytes(whole["manifest.json"].replace(b'"duel"', b'"dual"'))
    check("damaged: it has another digest than it says")
    change(folder, lambda manifest: manifest.update(format=99))
    check("it has another format than 3")
    change(folder, lambda manifest: manifest["models"][0].update(file="../x"))
    check("'../x' is no file's name")
    change(folder, lambda manifest: manifest.pop("outputs"))
    check("it has no 'outputs'", first)
    change(folder, lambda manifest: manifest["inputs"]["basic"].update(shape=[1, 300]))
    check("'basic' is another tensor than the manifest says", first)
    for name, content, message in (
        (int8, whole[int8][:-5], f"has {len(whole[int8]) - 5} bytes, its manifest says {len(whole[int8])}"),
        (int8, whole[int8][:-5] + b"damag", "has another digest than its manifest says"),
        ("base.tflite", whole["base.tflite"][:-4] + b"oops", "has another digest"),
    ):
        (folder / name).write_bytes(content)
        check(message, name)
    for name, content, message in (
        (int8, b"no model", "it is no TFLite model"),
        (delta, whole[delta][:-20], "damaged: its compressed bytes are not those of"),
        (delta, whole[f"{IDS[1]}.delta"], "does not give the model of the manifest"),
        (seen, whole[seen][:-30], "damaged: it is no ZIP archive"),
        (seen, golden.encode({"mask": np.zeros((2, 29), "f4")}), "it holds no 'basic'"),
    ):
        (folder / name).write_bytes(content)
        tell(folder, name)
        check(message, name)
