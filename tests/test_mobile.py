"""Export of real Specialists, small ones, and what the contract says of their pack."""

from __future__ import annotations

import re
import shutil
import zlib
from pathlib import Path

import numpy as np
import pytest

from camtf.checkpoint import RunDirectory
from camtf.config import preset
from camtf.games.duel.game import Duel
from camtf.games.duel.roster import Roster
from mobile import deltas
from mobile.export import Exporter, Options
from mobile.pack import GENERALIST, HEADS, MODULES, PRECISIONS, Pack
from mobile.runtime import choose, gumbel, open_policy
from mobile.timing import golden_rows

CONFIG = preset("test")
IDS = CONFIG.game.characters


def test_the_pack_has_every_specialist_in_every_precision(pack: Pack, roster: Roster) -> None:
    found = {(m.character, m.precision) for m in pack.models}
    files = [p for p in PRECISIONS if p != "delta"]
    assert found == {(i, p) for i in IDS for p in PRECISIONS} | {(GENERALIST, p) for p in files}
    size = {p: pack.entry(IDS[0], p).size_bytes for p in PRECISIONS}
    assert size["delta"] < size["int8"] < size["float16"] < size["float32"]
    assert (pack.manifest["game"], pack.manifest["game_digest"]) == ("duel", Duel(roster).digest)
    assert Duel(roster).digest != roster.digest  # the version of the rules is in it
    assert list(pack.manifest["inputs"]) == list(MODULES) and list(pack.manifest["outputs"]) == list(HEADS)
    assert pack.manifest["inputs"]["element"]["dtype"] == "int32"


def test_a_second_export_keeps_what_is_the_same(pack: Pack, run: RunDirectory, tmp_path: Path) -> None:
    folder = shutil.copytree(pack.folder, tmp_path / "models")
    (folder / f"{IDS[0]}.int8.tflite").write_bytes(b"damaged")
    (folder / f"{IDS[1]}.golden.npz").unlink()

    def times() -> dict[str, int]:
        return {file.name: file.stat().st_mtime_ns for file in folder.iterdir()}

    before = times()
    exporter = Exporter(run, folder, Options(generalist=True, seed=1))
    exporter.export()
    made = {f"{IDS[0]}.int8.tflite", f"{IDS[1]}.golden.npz", "base.tflite", "manifest.json"}
    after = times()
    assert {name for name in after if after[name] != before.get(name)} == made | {f"{i}.delta" for i in IDS}
    assert exporter.kept == 3 * 3 - 1
    assert Pack(folder).models == pack.models and Pack(folder).manifest["golden"] == pack.manifest["golden"]
    other = Exporter(run, folder, Options(precisions=("int8",), calibration=100, seed=1))
    assert other.export() and other.kept == 0  # another calibration makes other models


def test_folding_the_own_character_changes_nothing(pack: Pack, run: RunDirectory) -> None:
    policy = open_policy(pack, pack.entry(IDS[0], "float32"))
    (basic, buff, element, mask), *_ = golden_rows(pack, pack.entry(IDS[0], "float32"))
    other = element.copy()
    other[:, 0] = 0  # its own row is not read any more
    for a, b in zip(policy.logits(basic, buff, element, mask), policy.logits(basic, buff, other, mask), strict=True):
        np.testing.assert_array_equal(a, b)
    other[:, 1, 10] += 500
    assert not np.array_equal(policy.logits(basic, buff, other, mask)[0], policy.logits(basic, buff, element, mask)[0])


def test_batch_and_value_are_options(run: RunDirectory, pack: Pack, tmp_path: Path) -> None:
    Exporter(run, tmp_path, Options(("float32",), batch=5, value=True, seed=1)).export()
    many = Pack(tmp_path)
    policy = open_policy(many, many.entry(IDS[0], "float32"))
    rows = golden_rows(many, many.entry(IDS[0], "float32"))[0]
    movement, skill, value = policy.logits(*rows)
    golden = many.golden(IDS[0])
    np.testing.assert_allclose(movement, golden["movement"][:5], atol=1e-5)
    np.testing.assert_allclose(skill, golden["skill"][:5], atol=1e-5)
    np.testing.assert_allclose(value, golden["value"][:5], atol=1e-5)
    assert policy.best(*rows).shape == (5, 2)


def test_the_generalist_takes_its_mixture(pack: Pack) -> None:
    entry = pack.entry(GENERALIST, "float32")
    policy = open_policy(pack, entry)
    rows = golden_rows(pack, entry)
    assert list(policy.inputs) == [*MODULES, "mixture"] and set(pack.manifest["mixtures"]) == set(IDS)
    golden = pack.golden(GENERALIST)
    for i in range(0, 64, 9):
        np.testing.assert_allclose(policy.logits(*rows[i])[0], golden["movement"][i : i + 1], atol=1e-5)
    with pytest.raises(ValueError, match="the model takes basic, buff, element, mask, mixture; got 4 arrays"):
        policy.logits(*rows[0][:4])


def test_the_contract_says_the_shapes_of_the_models(pack: Pack) -> None:
    text = (Path(__file__).parents[1] / "mobile" / "README.md").read_text(encoding="utf-8")
    inputs = re.findall(r"^\| `(\w+)` \| (\w+) \| ([\dx ]+) \|", text, re.M)
    said = {name: {"shape": [int(n) for n in shape.split("x")], "dtype": dtype} for name, dtype, shape in inputs}
    assert said == {
        name: {key: tensor[key] for key in ("shape", "dtype")} for name, tensor in pack.manifest["inputs"].items()
    }
    outputs = re.findall(r"^\| `(\w+)` \| (1 x \d+) \|", text, re.M)
    assert {name: [int(n) for n in shape.split("x")] for name, shape in outputs} == {
        name: tensor["shape"] for name, tensor in pack.manifest["outputs"].items()
    }


def test_the_examples_of_the_contract() -> None:
    text = (Path(__file__).parents[1] / "mobile" / "README.md").read_text(encoding="utf-8")
    assert "00 00 00 3f | 00 00 80 3e | 03 | fe 04" in text and "2.5, 1.5 and 4.0" in text
    base = bytes(16) + np.array([1.0], "<f4").tobytes() + bytes(4) + np.array([2.0, 3.0], "<f4").tobytes()
    delta = zlib.compress(bytes.fromhex("0000003f 0000803e 03 fe04"))
    made = np.frombuffer(deltas.decode(base, delta, [(16, 1), (24, 2)]), "<f4")
    assert made[[4, 6, 7]].tolist() == [2.5, 1.5, 4.0]

    assert "movement logits 0.3, 1.2, -0.5" in text and "`sample` gives 2" in text
    logits = np.array([[0.3, 1.2, -0.5, *[0.0] * 6, *[0.0] * 10]])
    mask = np.zeros((1, 29))
    mask[0, [0, 2, 9]] = 1
    uniforms = np.full((1, 19), 0.5)
    uniforms[0, 2] = 0.9
    assert choose(logits, mask, 9)[0, 0] == 0 and choose(logits, mask, 9, gumbel(uniforms))[0, 0] == 2
