// A pack of models in a browser or in Node: reads and checks it, and makes one decision. See mobile/README.md.
//
//   const pack = await openPack("build/x/");
//   const policy = await loadPolicy(litert, pack, pack.entry("ember_fox", "int8"));   // litert: "@litertjs/core"
//   await policy.run({basic, buff, element, mask});                                   // typed arrays, one row each
//   const {movement, skill} = policy.best();                                          // of the legal actions
//
// Needs what browsers have since 2023: modules, DecompressionStream and, on https or localhost, crypto.subtle.

const FORMAT = 3;
const LARGEST = 64 << 20; // bytes that golden observations may take in memory
const FILE = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}$/;
const ARRAYS = {float32: Float32Array, int32: Int32Array};

/** A file of a pack is missing, damaged, or does not fit the others. The message names it. */
export class PackError extends Error {}

/** A pack, read through its manifest. Make one with `openPack`. */
export class Pack {
  /**
   * @param {(file: string) => Promise<Uint8Array>} read Gives the bytes of a file of the pack.
   * @param {object} manifest
   */
  constructor(read, manifest) {
    this.manifest = manifest;
    this._read = read;
  }

  /** The models that there are: the manifest's entries. */
  get models() {
    return this.manifest.models;
  }

  /** A model by its character and precision. Throws PackError with what there is. */
  entry(character, precision) {
    const found = this.models.find((m) => m.character === character && m.precision === precision);
    const there = this.models.map((m) => `${m.character} ${m.precision}`).join(", ");
    if (!found) throw new PackError(`no model of ${character} in ${precision}; there are ${there}`);
    return found;
  }

  /** The bytes of a model's TFLite file; what a delta is made into, too. Throws PackError. */
  async read(entry) {
    let content = await this._checked(entry.file, entry.size_bytes, entry.sha256);
    if (entry.precision === "delta") {
      const about = this.manifest.deltas;
      const base = await this._checked(about.base, about.size_bytes, about.sha256);
      content = await within(entry.file, () => applyDelta(base, content, about.tensors));
    }
    if ((await sha256(content)) !== entry.model_sha256) {
      throw new PackError(`${entry.file} does not give the model of the manifest`);
    }
    return content;
  }

  /** Real observations by input, and Keras's logits by head: {shape, data}, shape[0] rows. Throws PackError. */
  async golden(character) {
    const about = Object.hasOwn(this.manifest.golden, character) ? this.manifest.golden[character] : null;
    if (!about) throw new PackError(`manifest.json names no golden observations of ${character}`);
    const content = await this._checked(about.file, about.size_bytes, about.sha256);
    return within(about.file, async () => {
      const arrays = await readNpz(content);
      const rows = arrays.mask?.shape[0];
      for (const [name, said] of Object.entries({...this.manifest.inputs, ...this.manifest.outputs})) {
        const needed = [rows, ...said.shape.slice(1)].join(" x ");
        const found = arrays[name] && arrays[name].data instanceof ARRAYS[said.dtype] && arrays[name].shape.join(" x ");
        if (found !== needed) {
          throw new PackError(`${name} is ${found || "missing"}, needed is ${said.dtype} ${needed}`);
        }
      }
      return arrays;
    });
  }

  async _checked(file, bytes, digest) {
    if (!FILE.test(file)) throw new PackError(`manifest.json: ${file} is no file's name`);
    const content = await this._read(file);
    if (content.length !== bytes) {
      throw new PackError(`${file} has ${content.length} bytes, its manifest says ${bytes}`);
    }
    if ((await sha256(content)) !== digest) throw new PackError(`${file} has another digest than its manifest says`);
    return content;
  }
}

/**
 * Reads a pack's manifest.
 * @param {string | ((file: string) => Promise<Uint8Array>)} from Where the folder is, or what reads a file of it.
 * @param {string} gameDigest Where given, a pack of another game is refused.
 * @returns {Promise<Pack>} Throws PackError.
 */
export async function openPack(from, gameDigest = "") {
  const read = typeof from === "string" ? (file) => fetched(`${from.replace(/\/*$/, "/")}${file}`) : from;
  const raw = await read("manifest.json");
  const manifest = await within("manifest.json", async () => {
    const text = new TextDecoder("utf-8", {fatal: true}).decode(raw);
    const said = JSON.parse(text);
    const blank = text.replace(String(said?.digest), "0".repeat(64));
    if (!said?.digest || (await sha256(new TextEncoder().encode(blank))) !== said.digest) {
      throw new PackError("it does not begin with the digest of its content");
    }
    if (said.format !== FORMAT) throw new PackError(`it has format ${said.format}, needed is ${FORMAT}; export again`);
    if (gameDigest && said.game_digest !== gameDigest) {
      throw new PackError(`its models are for another game: ${said.game}`);
    }
    return said;
  });
  return new Pack(read, manifest);
}

/** One model, ready to play. Make one with `loadPolicy`. */
export class Policy {
  constructor(litert, model, manifest, file) {
    Object.assign(this, {litert, model, manifest, file, outputs: null, mask: null});
    this.inputs = model.signatures.act.getInputDetails();
  }

  /**
   * One inference.
   * @param {Object<string, Float32Array | Int32Array>} given All inputs, by name.
   * @returns {Promise<Object<string, Float32Array>>} The raw logits of both heads, and the value where there is one.
   */
  async run(given) {
    const tensors = {};
    try {
      for (const {name, shape, dtype} of this.inputs) {
        const numbers = shape.reduce((a, b) => a * b, 1);
        if (!(given[name] instanceof ARRAYS[dtype]) || given[name].length !== numbers) {
          throw new PackError(`${this.file}: ${name} must be ${numbers} numbers of ${dtype}`);
        }
        tensors[name] = new this.litert.Tensor(given[name], shape);
      }
      const out = await this.model.run("act", tensors);
      this.outputs = {};
      for (const [name, tensor] of Object.entries(out)) {
        this.outputs[name] = Float32Array.from(await tensor.data());
        tensor.delete();
      }
    } finally {
      for (const tensor of Object.values(tensors)) tensor.delete(); // LiteRT.js frees nothing by itself
    }
    this.mask = given.mask.slice();
    return this.outputs;
  }

  /** The most probable legal action of the last inference; of a batch, of one row. */
  best(row = 0) {
    return this._choose(row, () => 0);
  }

  /** A legal action drawn by the policy's probabilities, from `random`, uniform in [0, 1). */
  sample(random = Math.random, row = 0) {
    return this._choose(row, () => -Math.log(-Math.log(random() || Number.MIN_VALUE)));
  }

  delete() {
    this.model.delete();
  }

  _choose(row, noise) {
    const heads = ["movement", "skill"].map((name) => rowOf(this.outputs[name], this.manifest.outputs[name], row));
    const [movement, skill] = choose(...heads, rowOf(this.mask, this.manifest.inputs.mask, row), noise);
    return {movement, skill};
  }
}

/** A model of a pack on LiteRT.js, whose WebAssembly is loaded already. Throws PackError. */
export async function loadPolicy(litert, pack, entry) {
  const content = await pack.read(entry);
  return within(entry.file, async () => {
    const model = await litert.loadAndCompile(content, {accelerator: "wasm"});
    const act = model.signatures.act;
    if (!act) throw new PackError("the model has no signature 'act'");
    for (const [said, found] of [
      [pack.manifest.inputs, act.getInputDetails()],
      [pack.manifest.outputs, act.getOutputDetails()],
    ]) {
      for (const [name, {shape, dtype}] of Object.entries(said)) {
        const there = found.find((tensor) => tensor.name === name);
        if (there?.dtype !== dtype || [...there.shape].join() !== shape.join()) {
          throw new PackError(`${name} is another tensor than the manifest says`);
        }
      }
    }
    return new Policy(litert, model, pack.manifest, entry.file);
  });
}

/** The largest legal logit of both heads after adding noise, the first of equals: [movement, skill]. */
export function choose(movement, skill, mask, noise = () => 0) {
  const largest = (logits, first) => {
    let [best, value] = [0, -Infinity];
    logits.forEach((logit, i) => {
      const noisy = logit + noise();
      if (mask[first + i] > 0 && noisy > value) [best, value] = [i, noisy];
    });
    return best;
  };
  return [largest(movement, 0), largest(skill, movement.length)];
}

/** One row of an array whose tensor has the batch first. */
export function rowOf(data, about, row) {
  const width = about.shape.slice(1).reduce((a, b) => a * b, 1);
  return data.subarray(row * width, (row + 1) * width);
}

/** SHA-256 in hexadecimal. */
export async function sha256(content) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A model's file from its base and its delta, with two roundings for each weight. Throws PackError. */
export async function applyDelta(base, delta, tensors) {
  let end = 0;
  let needed = 0;
  for (const [offset, count] of tensors) {
    if (!(Number.isInteger(offset) && Number.isInteger(count) && offset >= end && count > 0)) {
      throw new PackError(`the tensor ${[offset, count]} does not begin after the one before it`);
    }
    end = offset + 4 * count;
    needed += 4 + count;
  }
  if (end > base.length) throw new PackError(`the tensors end at byte ${end} of a base of ${base.length}`);
  const content = await inflated(delta, "deflate", needed);
  const steps = new DataView(content.buffer, 0, 4 * tensors.length);
  const numbers = new Int8Array(content.buffer, 4 * tensors.length);
  const model = base.slice();
  const weights = new DataView(model.buffer);
  let number = 0;
  tensors.forEach(([offset, count], t) => {
    const step = steps.getFloat32(4 * t, true);
    if (!Number.isFinite(step)) throw new PackError("a step is not finite");
    for (let at = offset; at < offset + 4 * count; at += 4) {
      const moved = Math.fround(step * numbers[number++]);
      weights.setFloat32(at, Math.fround(weights.getFloat32(at, true) + moved), true);
    }
  });
  return model;
}

/** The arrays of a .npz file by name: a ZIP archive of .npy files, version 1.0. Throws PackError. */
export async function readNpz(content) {
  const view = new DataView(content.buffer, content.byteOffset, content.length);
  let end = content.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0) throw new PackError("damaged: it is no ZIP archive");
  const arrays = {};
  let at = view.getUint32(end + 16, true);
  let all = 0;
  for (let left = view.getUint16(end + 10, true); left > 0; left--) {
    const method = view.getUint16(at + 10, true);
    const packed = view.getUint32(at + 20, true);
    const size = view.getUint32(at + 24, true);
    const nameBytes = view.getUint16(at + 28, true);
    const local = view.getUint32(at + 42, true);
    const name = new TextDecoder().decode(content.subarray(at + 46, at + 46 + nameBytes));
    at += 46 + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    const begin = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    all += size;
    if (all > LARGEST || (method !== 0 && method !== 8) || !name.endsWith(".npy")) {
      throw new PackError(`damaged: it does not hold ${name}`);
    }
    const stored = content.slice(begin, begin + packed);
    arrays[name.slice(0, -4)] = readNpy(method === 0 ? stored : await inflated(stored, "deflate-raw", size));
  }
  return arrays;
}

function readNpy(content) {
  const text = String.fromCharCode(...content.subarray(0, 10));
  if (!text.startsWith("\x93NUMPY\x01\x00")) throw new PackError("an array is no .npy file of version 1.0");
  const begin = 10 + content[8] + 256 * content[9];
  const about = new TextDecoder().decode(content.subarray(10, begin));
  const type = {"<f4": Float32Array, "<i4": Int32Array}[/'descr': '([^']*)'/.exec(about)?.[1]];
  const shape = /'shape': \(([\d, ]*)\)/.exec(about)?.[1].match(/\d+/g)?.map(Number);
  if (!type || !shape || !about.includes("'fortran_order': False")) {
    throw new PackError("an array is neither of float32 nor of int32, row after row");
  }
  const bytes = content.slice(begin);
  if (bytes.length === 0 || bytes.length !== 4 * shape.reduce((a, b) => a * b, 1)) {
    throw new PackError("an array has not as many bytes as its shape says");
  }
  return {shape, data: new type(bytes.buffer)};
}

/** Exactly so many bytes out of a compressed stream. Throws PackError. */
async function inflated(content, format, size) {
  const out = new Uint8Array(size);
  let at = 0;
  const reader = new Blob([content]).stream().pipeThrough(new DecompressionStream(format)).getReader();
  try {
    for (;;) {
      const {done, value} = await reader.read();
      if (done) break;
      if (at + value.length > size) throw new TypeError("more than it says");
      out.set(value, at);
      at += value.length;
    }
    if (at < size) throw new TypeError("it ends too early");
  } catch (error) {
    await reader.cancel().catch(() => {});
    throw new PackError(`damaged: its compressed bytes are not those of ${size} bytes`, {cause: error});
  }
  return out;
}

/** The bytes at an address. Throws PackError. */
async function fetched(url) {
  const response = await fetch(url, {cache: "no-cache"}).catch((error) => {
    throw new PackError(`${url} cannot be read: ${error.message}`);
  });
  if (!response.ok) throw new PackError(`${url} cannot be read: ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** What work gives; whatever it throws becomes a PackError that names the file. */
async function within(file, work) {
  try {
    return await work();
  } catch (error) {
    throw new PackError(`${file}: ${error.message}`, {cause: error});
  }
}
