// Draws two fighters in the arena: of a replay, and of a match that is being played.
"use strict";

const DASHING = 7;
const ELEMENT_COLOURS = { fire: "#ff6b4a", wind: "#7fd6a0", lightning: "#f4d35e", earth: "#c9955c", water: "#5aa9e6" };
const SECOND_COLOURS = { fire: "#ff9f86", wind: "#b9f0cc", lightning: "#fff0a8", earth: "#e6c39a", water: "#a5d2f7" };
const GOOD_BUFFS = new Set(["haste", "shield", "armour", "might", "super_armour", "regeneration"]);

const between = (a, b, part) => a + (b - a) * part;
const spaced = text => text.replaceAll("_", " ");

/** A canvas with the arena on it.
 *
 * rules, fighters: as the server describes them. A fighter with `mine` carries a mark. Lengths on the canvas are CSS
 * pixels: `fit` makes it as large as its element, `resize` gives it a size of its own.
 */
class Stage {
  constructor(canvas, rules, fighters) {
    this.canvas = canvas;
    this.g = canvas.getContext("2d");
    this.rules = rules;
    this.fighters = fighters;
    const same = fighters[0].element === fighters[1].element;
    this.colours = fighters.map((f, p) => (p && same ? SECOND_COLOURS : ELEMENT_COLOURS)[f.element] || "#cccccc");
    this.fit();
  }

  fit() {
    this.resize(this.canvas.clientWidth || 1100, this.canvas.clientHeight || 430, Math.min(devicePixelRatio || 1, 2));
  }

  resize(width, height, density) {
    this.w = width;
    this.h = height;
    this.canvas.width = Math.round(width * density);
    this.canvas.height = Math.round(height * density);
    this.density = density;
    this.figure = Math.max(0.5, Math.min(width / 820, height / 430, 1.3)) * 1.15;
    this.near = height * 0.9;
    this.far = height * 0.56;
  }

  place(x, y) {
    const depth = (y + this.rules.half_depth) / (2 * this.rules.half_depth), scale = between(1.12, 0.82, depth);
    const half = this.w / 2 - Math.min(50, this.w * 0.09);
    return { x: this.w / 2 + x / this.rules.half_length * half * scale, y: between(this.near, this.far, depth), s: scale };
  }

  /** A fighter between two moments that are `ticks` ticks apart. */
  pose(p, a, b, part, ticks) {
    const far = Math.abs(a.x - b.x) > 500 * ticks;
    const move = a.m >= 0 && a.m < DASHING ? this.fighters[p].moves[a.m] : null;
    const tick = a.t + (move ? ticks * part : 0);
    let phase = "idle";
    if (a.dn) phase = "down";
    else if (a.st) phase = "stunned";
    else if (a.m === DASHING) phase = "dash";
    else if (move) phase = tick < move.startup_ticks ? "startup" : tick < move.startup_ticks + move.active_ticks ? "active" : "recovery";
    else if (a.g) phase = "guard";
    else if (a.x !== b.x || a.y !== b.y) phase = "walk";
    return { ...a, x: far ? a.x : between(a.x, b.x, part), y: far ? a.y : between(a.y, b.y, part), phase, move };
  }

  /** Draw what is between two moments.
   *
   * before, after: of both fighters; part: how far it is from one to the other, 0 to 1; ticks: between them.
   * numbers: damage to show, {p, lost, age} in seconds. reach: outline where blows reach. banner: text in large letters.
   */
  draw(before, after, part, ticks, seconds, { numbers = [], reach = false, banner = "" } = {}) {
    this.g.setTransform(this.density, 0, 0, this.density, 0, 0);
    this.seconds = seconds;
    this.taken = [];
    this.ground();
    const poses = [0, 1].map(p => this.pose(p, before[p], after[p], part, ticks));
    const order = poses[0].y > poses[1].y ? [0, 1] : [1, 0];
    const hurt = [0, 1].map(p => numbers.some(n => n.p === p && n.age < 0.09));
    for (const p of order) {
      if (reach) this.outline(poses[p]);
      this.summon(p, before[p], after[p], part);
      this.body(p, poses[p], hurt[p]);
      this.shots(p, before[p], after[p], part);
    }
    for (const p of order) this.words(p, poses[p]);
    for (const n of [...numbers].sort((a, b) => a.age - b.age)) this.damage(n, poses[n.p]);
    if (banner) this.banner(banner);
  }

  ground() {
    const { g, w, h } = this, horizon = h * 0.51, sky = g.createLinearGradient(0, 0, 0, h);
    sky.addColorStop(0, "#1d2338"); sky.addColorStop(0.35, "#3a3458"); sky.addColorStop(0.51, "#6b4a63");
    sky.addColorStop(0.511, "#2d3140"); sky.addColorStop(1, "#181b23");
    g.fillStyle = sky; g.fillRect(0, 0, w, h);
    g.fillStyle = "#f2d6b033"; g.beginPath(); g.arc(w * 0.78, h * 0.2, h * 0.09, 0, 7); g.fill();
    g.fillStyle = "#f2d6b0cc"; g.beginPath(); g.arc(w * 0.78, h * 0.2, h * 0.055, 0, 7); g.fill();
    for (const [shade, step, high, shift] of [["#3b3352", 0.17, 0.2, 0.02], ["#2a2740", 0.136, 0.13, -0.05]]) {
      g.fillStyle = shade;
      for (let i = 0; i * step + shift < 1.1; i++) {
        const x = w * (i * step + shift), top = horizon - h * high * (0.45 + (i * 7 % 3) * 0.27);
        g.beginPath(); g.moveTo(x - w * step * 0.75, horizon); g.lineTo(x, top); g.lineTo(x + w * step * 0.8, horizon); g.fill();
      }
    }
    const { half_length: length, half_depth: depth } = this.rules;
    g.strokeStyle = "#4b5266"; g.lineWidth = 1;
    const line = (a, b) => { g.beginPath(); g.moveTo(a.x, a.y); g.lineTo(b.x, b.y); g.stroke(); };
    for (let x = -length; x <= length; x += 1000) line(this.place(x, depth), this.place(x, -depth));
    for (let y = -depth; y <= depth; y += 1000) line(this.place(-length, y), this.place(length, y));
  }

  body(p, f, hurt) {
    const { g } = this, q = this.place(f.x, f.y), s = q.s * this.figure, c = hurt ? "#ffffff" : this.colours[p];
    g.save(); g.translate(q.x, q.y);
    g.fillStyle = "#0009"; g.beginPath(); g.ellipse(0, 4 * s, 34 * s, 9 * s, 0, 0, 7); g.fill();
    if (this.fighters[p].mine) {
      g.strokeStyle = "#ffffffaa"; g.lineWidth = 2; g.beginPath(); g.ellipse(0, 4 * s, 38 * s, 11 * s, 0, 0, 7); g.stroke();
    }
    if (f.phase === "down") { g.translate(0, -8 * s); g.rotate(f.f * -1.45); }
    if (f.phase === "stunned") g.translate(Math.sin(this.seconds * 60) * 3, 0);
    g.scale(s * f.f, s); g.globalAlpha = f.iv ? 0.55 : 1;
    const breath = f.phase === "idle" ? Math.sin(this.seconds * 4 + p) * 1.5 : 0;
    const lean = { startup: -10, active: 16, recovery: 6, dash: 20, walk: 5, stunned: -14 }[f.phase] || 0;
    const stride = f.phase === "walk" ? Math.sin(this.seconds * 14) * 13 : f.phase === "dash" ? 18 : 9;
    const neck = [lean, -78 + breath], head = [lean * 1.25, -100 + breath];
    g.lineCap = g.lineJoin = "round";
    const limb = (colour, width, ...points) => {
      g.strokeStyle = colour; g.lineWidth = width; g.beginPath(); g.moveTo(...points[0]);
      for (const point of points.slice(1)) g.lineTo(...point);
      g.stroke();
    };
    const wave = Math.sin(this.seconds * 9 + p) * 5;  // of the scarf
    limb("#e8e6dfcc", 6, neck, [neck[0] - 20, neck[1] + 4 + wave * 0.4], [neck[0] - 40 - (f.phase === "dash" ? 22 : 0), neck[1] + 10 + wave]);
    limb("#1b1e28", 13, [0, -40], [stride * 0.6 + 3, -20], [stride, -3]);
    limb("#1b1e28", 13, [0, -40], [-stride * 0.6 + 3, -20], [-stride, -3]);
    limb(c, 9, [0, -40], [stride * 0.6 + 3, -20], [stride, -3]);
    limb(c, 9, [0, -40], [-stride * 0.6 + 3, -20], [-stride, -3]);
    limb("#1b1e28", 25, [0, -44], [neck[0], neck[1] + 2]);
    limb(c, 20, [0, -44], [neck[0], neck[1] + 2]);
    limb("#1b1e28", 4, [-9, -50], [11, -50]);
    g.fillStyle = "#1b1e28"; g.beginPath(); g.arc(...head, 16, 0, 7); g.fill();
    g.fillStyle = c; g.beginPath(); g.arc(...head, 14, 0, 7); g.fill();
    limb("#1b1e28", 5, [head[0] - 13, head[1] - 6], [head[0] + 12, head[1] - 7]);
    g.fillStyle = "#14161c"; g.beginPath(); g.arc(head[0] + 7, head[1] + 1, 2.6, 0, 7); g.fill();
    const arm = { startup: [-26, -72], active: [54, -70], recovery: [30, -58], guard: [20, -92], stunned: [-16, -56] }[f.phase] || [17, -56 + breath];
    limb("#1b1e28", 12, neck, [lean + arm[0], arm[1]]);
    limb(f.phase === "active" ? "#ffffff" : c, 8, neck, [lean + arm[0], arm[1]]);
    const arc = (colour, width, alpha, ...shape) => {
      g.globalAlpha = alpha; g.strokeStyle = colour; g.lineWidth = width; g.beginPath(); g.arc(...shape); g.stroke();
    };
    if (f.phase === "active") { arc("#ffffff", 5, 0.75, 10, -66, 58, -0.9, 0.6); arc(c, 12, 0.35, 10, -66, 64, -0.8, 0.5); }
    if (f.phase === "guard") { arc("#9ad0ff", 5, 0.9, 14, -64, 46, -1.1, 1.1); arc("#9ad0ff", 16, 0.2, 14, -64, 46, -1.1, 1.1); }
    if (f.phase === "dash") { g.globalAlpha = 0.3; limb(c, 16, [-22, -50], [-90, -50]); limb(c, 9, [-20, -78], [-70, -78]); }
    if (hurt) {
      g.globalAlpha = 0.9;
      for (let i = 0; i < 7; i++) {
        const turn = i * 0.9 + this.seconds * 20;
        limb("#fff3c4", 3, [18 * Math.cos(turn), -64 + 18 * Math.sin(turn)], [36 * Math.cos(turn), -64 + 36 * Math.sin(turn)]);
      }
    }
    g.restore();
  }

  outline(f) {
    if (!f.move || !f.move.reach_mm || f.move.projectile_ticks) return;
    const a = this.place(f.x, f.y - f.move.width_mm), b = this.place(f.x + f.f * f.move.reach_mm, f.y + f.move.width_mm);
    this.g.strokeStyle = f.phase === "active" ? "#ff5566" : "#ffffff88"; this.g.lineWidth = 2;
    this.g.strokeRect(Math.min(a.x, b.x), b.y, Math.abs(b.x - a.x), a.y - b.y);
  }

  shots(p, before, after, part) {
    const { g } = this;
    before.p.forEach(([x, y], i) => {
      const to = after.p[i] || [x, y], q = this.place(Math.abs(to[0] - x) < 3000 ? between(x, to[0], part) : x, y);
      const s = q.s * this.figure, high = q.y - 52 * s;
      for (const [size, colour, alpha] of [[20, this.colours[p], 0.25], [12, this.colours[p], 1], [5, "#fff", 1]]) {
        g.globalAlpha = alpha; g.fillStyle = colour; g.beginPath(); g.arc(q.x, high, size * s, 0, 7); g.fill();
      }
      g.globalAlpha = 1;
    });
  }

  summon(p, before, after, part) {
    if (!before.s) return;
    const { g } = this, to = after.s || before.s;
    const q = this.place(between(before.s[0], to[0], part), between(before.s[1], to[1], part)), s = q.s * this.figure;
    const hop = Math.abs(Math.sin(this.seconds * 8 + p)) * 4 * s;
    g.fillStyle = "#0007"; g.beginPath(); g.ellipse(q.x, q.y + 2 * s, 20 * s, 5 * s, 0, 0, 7); g.fill();
    g.fillStyle = this.colours[p]; g.strokeStyle = "#1b1e28"; g.lineWidth = 2 * s;
    g.beginPath(); g.ellipse(q.x, q.y - 16 * s - hop, 20 * s, 14 * s, 0, 0, 7); g.fill(); g.stroke();
    g.beginPath(); g.arc(q.x + 14 * s * before.f, q.y - 31 * s - hop, 9 * s, 0, 7); g.fill(); g.stroke();
  }

  words(p, f) {
    const q = this.place(f.x, f.y), high = 122 * q.s * this.figure;
    this.text(this.fighters[p].name, q.x, q.y + 12 + 12 * this.figure, "600 13px", this.colours[p], 1);
    const doing = f.move ? `${f.move.name} (${f.phase})` : f.phase === "idle" || f.phase === "walk" ? "" : f.phase;
    if (doing) this.text(doing, q.x, q.y - (f.phase === "down" ? 40 * this.figure : high), "600 13px", "#e8e6df", -1);
  }

  damage({ lost, age }, f) {
    const q = this.place(f.x, f.y), side = f.f > 0 ? -1 : 1;
    this.g.globalAlpha = Math.max(0, 1 - age / 0.8);
    this.text("-" + lost, q.x + side * 52 * this.figure, q.y - (90 + age * 60) * this.figure, "800 19px", "#ffd7d7", -1);
    this.g.globalAlpha = 1;
  }

  /** A line of text that stays on the canvas and gives way, up (-1) or down (1), to what is written already. */
  text(words, x, y, font, colour, way) {
    const { g } = this, size = parseInt(font.split(" ")[1], 10);
    g.font = font + " system-ui, sans-serif"; g.textAlign = "center";
    const half = g.measureText(words).width / 2 + 3;
    x = Math.min(Math.max(x, half), this.w - half);
    y = Math.min(Math.max(y, size), this.h - 5);
    let box;
    for (let tries = 0; tries < 8; tries++) {
      box = [x - half, y - size, x + half, y + 4];
      const other = this.taken.find(b => box[0] < b[2] && b[0] < box[2] && box[1] < b[3] && b[1] < box[3]);
      if (!other) break;
      y = way < 0 ? other[1] - 4 : other[3] + size;
    }
    this.taken.push(box);
    g.lineWidth = 3; g.lineJoin = "round"; g.strokeStyle = "#14161ccc"; g.strokeText(words, x, y);
    g.fillStyle = colour; g.fillText(words, x, y);
  }

  banner(words) {
    const { g } = this, size = Math.min(58, this.w / 9, this.h / 5);
    g.font = `800 ${size}px system-ui, sans-serif`; g.textAlign = "center";
    g.lineWidth = size / 7; g.lineJoin = "round"; g.strokeStyle = "#14161c"; g.strokeText(words, this.w / 2, this.h * 0.27, this.w - 16);
    g.fillStyle = "#fff"; g.fillText(words, this.w / 2, this.h * 0.27, this.w - 16);
  }
}
