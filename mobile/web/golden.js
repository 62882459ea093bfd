// The page: every model of a pack decides on its golden observations, here in the browser, beside Keras's decision.

import * as litert from "@litertjs/core";

import {choose, loadPolicy, openPack, rowOf} from "./camtf.js";

const WASM = new URL("./node_modules/@litertjs/core/wasm/", import.meta.url).href;

/** A table row of texts; after the first `left` cells they stand on the right. */
function row(cells, left, kind = "td") {
  const tr = document.createElement("tr");
  cells.forEach((cell, i) => {
    const td = tr.appendChild(document.createElement(kind));
    td.textContent = cell;
    td.classList.toggle("number", i >= left);
  });
  return tr;
}

/** What a model decides on all golden observations of its character. */
async function measure(pack, entry) {
  const golden = await pack.golden(entry.character);
  const policy = await loadPolicy(litert, pack, entry);
  const {inputs, outputs, batch} = pack.manifest;
  const decisions = [];
  const milliseconds = [];
  let largest = 0;
  for (let first = 0; first + batch <= golden.mask.shape[0]; first += batch) {
    const given = {};
    for (const {name} of policy.inputs) {
      const {shape, data} = golden[name];
      const width = data.length / shape[0];
      given[name] = data.subarray(first * width, (first + batch) * width);
    }
    const began = performance.now();
    const logits = await policy.run(given);
    milliseconds.push(performance.now() - began);
    for (let i = 0; i < batch; i++) {
      const keras = ["movement", "skill"].map((head) => rowOf(golden[head].data, outputs[head], first + i));
      ["movement", "skill"].forEach((head, h) => {
        const own = rowOf(logits[head], outputs[head], i);
        own.forEach((logit, k) => (largest = Math.max(largest, Math.abs(logit - keras[h][k]))));
      });
      const mask = rowOf(golden.mask.data, inputs.mask, first + i);
      const [movement, skill] = choose(...keras, mask);
      decisions.push({own: policy.best(i), keras: {movement, skill}, legal: mask.reduce((a, b) => a + b, 0)});
    }
  }
  policy.delete();
  const same = decisions.filter(({own, keras}) => own.movement === keras.movement && own.skill === keras.skill).length;
  milliseconds.sort((a, b) => a - b);
  return {entry, decisions, same, largest, median: milliseconds[milliseconds.length >> 1]};
}

/** Lists the choices of one model. */
function show({entry, decisions}, outputs, line) {
  const names = ({movement, skill}) => [outputs.movement.meaning[movement], outputs.skill.meaning[skill]];
  document.querySelectorAll("tr.shown").forEach((shown) => shown.classList.remove("shown"));
  line.classList.add("shown");
  document.getElementById("title").textContent = `${entry.character}, ${entry.precision}: its choices`;
  const table = document.getElementById("choices");
  table.replaceChildren(row(["observation", "movement", "skill", "Keras: movement", "Keras: skill"], 5, "th"));
  decisions.forEach(({own, keras}, i) => {
    const tr = row([String(i + 1), ...names(own), ...names(keras)], 5);
    tr.classList.toggle("other", own.movement !== keras.movement || own.skill !== keras.skill);
    table.append(tr);
  });
}

async function main() {
  const folder = new URLSearchParams(location.search).get("pack") ?? "/build/quickstart";
  const pack = await openPack(new URL(folder, location.href).href);
  await litert.loadLiteRt(WASM);
  const {game, outputs} = pack.manifest;
  document.getElementById("about").textContent =
    `${pack.models.length} models of the game ${game}, run by LiteRT.js in this browser. ` +
    "A line shows its model's choices.";
  const models = document.getElementById("models");
  models.append(row(["character", "precision", "as Keras", "of", "logits within", "median ms"], 2, "th"));
  for (const entry of pack.models) {
    const found = await measure(pack, entry);
    const line = row([
      entry.character, entry.precision, String(found.same), String(found.decisions.length),
      found.largest.toPrecision(2), found.median.toFixed(2),
    ], 2);
    line.dataset.file = entry.file;
    line.tabIndex = 0;
    line.addEventListener("click", () => show(found, outputs, line));
    line.addEventListener("keydown", (event) => event.key === "Enter" && show(found, outputs, line));
    models.append(line);
    if (models.rows.length === 2) show(found, outputs, line);
  }
}

main().then(
  () => (document.body.dataset.state = "done"),
  (error) => {
    document.getElementById("error").textContent = String(error.message ?? error);
    document.body.dataset.state = "error";
  },
);
