// What a person holds and taps: keyboard, gamepad, touch and mouse, as one direction and a list of skills.
"use strict";

const KEYS = {
  attack: ["KeyJ", "KeyZ"], skill_1: ["KeyK", "KeyX"], skill_2: ["KeyL", "KeyC"], ultimate: ["KeyI", "KeyV"], guard: ["Space"],
  dash: ["ShiftLeft", "ShiftRight"], substitute: ["KeyU", "KeyQ"], scroll: ["KeyO", "KeyE"], summon: ["KeyP", "KeyR"],
};
const DIRECTIONS = {
  KeyA: [-1, 0], ArrowLeft: [-1, 0], KeyD: [1, 0], ArrowRight: [1, 0], KeyW: [0, 1], ArrowUp: [0, 1], KeyS: [0, -1], ArrowDown: [0, -1],
};
const PAD_BUTTONS = { 2: "attack", 3: "skill_1", 1: "skill_2", 5: "ultimate", 4: "guard", 0: "dash", 6: "substitute", 7: "scroll", 8: "summon" };
const PAD_CROSS = { 12: [0, 1], 13: [0, -1], 14: [-1, 0], 15: [1, 0] };
const PAD_START = 9, PAD_AGAIN = 0, STICK_DEAD = 0.4;
const keyName = code => code.replace(/^(Key|Arrow)/, "").replace(/^Shift(Left|Right)$/, "Shift");

/** Collects what is held. `changed` is called whenever that is not what it was; `command` with "pause" or "again". */
class Controls {
  constructor(skills, changed, command) {
    this.skills = skills;
    this.changed = changed;
    this.command = command;
    this.on = false;
    this.codes = new Set();
    this.held = [];  // skills, the latest first, each from one of the sources below
    this.tapped = [];
    this.touch = [0, 0];
    this.pad = { x: 0, y: 0, down: new Set() };
    this.byCode = new Map(Object.entries(KEYS).flatMap(([skill, codes]) => codes.map(code => [code, skill])));
    addEventListener("keydown", event => this.key(event, true));
    addEventListener("keyup", event => this.key(event, false));
    addEventListener("blur", () => this.letGo());
  }

  get direction() {
    let [x, y] = [this.touch[0] + this.pad.x, this.touch[1] + this.pad.y];
    for (const code of this.codes) if (DIRECTIONS[code]) { x += DIRECTIONS[code][0]; y += DIRECTIONS[code][1]; }
    return [Math.sign(x), Math.sign(y)];
  }

  /** What the server is told; what was tapped is told once. */
  take() {
    const [x, y] = this.direction, number = skill => this.skills.indexOf(skill);
    const told = { x, y, held: [...new Set(this.held.map(h => h.skill))].map(number), tapped: this.tapped.map(number) };
    this.tapped = [];
    return told;
  }

  letGo() {
    this.codes.clear();
    this.held = [];
    this.tapped = [];
    this.touch = [0, 0];
    this.pad = { x: 0, y: 0, down: this.pad.down };
    this.changed();
  }

  press(skill, source) {
    if (!this.on || this.held.some(h => h.skill === skill && h.source === source)) return;
    this.held.unshift({ skill, source });
    if (!this.tapped.includes(skill)) this.tapped.push(skill);
    this.changed();
  }

  release(skill, source) {
    const left = this.held.filter(h => h.skill !== skill || h.source !== source);
    if (left.length === this.held.length) return;
    this.held = left;
    this.changed();
  }

  key(event, down) {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(SELECT|INPUT)$/.test(event.target.tagName)) return;
    const { code } = event, skill = this.byCode.get(code);
    if (down && !event.repeat && code === "Escape") this.command("pause");
    if (down && !event.repeat && code === "Enter" && event.target.tagName === "BODY") this.command("again");
    if (!skill && !DIRECTIONS[code]) return;
    if (down && !this.on) return;
    event.preventDefault();
    if (skill) return down ? event.repeat || this.press(skill, code) : this.release(skill, code);
    if (this.codes.has(code) === down) return;
    if (down) this.codes.add(code); else this.codes.delete(code);
    this.changed();
  }

  /** A button on the page that does a skill for as long as a finger or the mouse is on it. */
  button(node, skill) {
    const stop = event => { node.classList.remove("down"); this.release(skill, "pointer" + event.pointerId); };
    node.addEventListener("pointerdown", event => {
      event.preventDefault();
      node.setPointerCapture(event.pointerId);
      node.classList.add("down");
      this.press(skill, "pointer" + event.pointerId);
    });
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) node.addEventListener(name, stop);
    node.addEventListener("contextmenu", event => event.preventDefault());
  }

  /** A round field on the page that gives a direction. */
  stick(node) {
    const knob = node.firstElementChild;
    let finger = null;
    const move = event => {
      if (event.pointerId !== finger) return;
      const box = node.getBoundingClientRect(), half = box.width / 2;
      const x = (event.clientX - box.x) / half - 1, y = 1 - (event.clientY - box.y) / half, far = Math.hypot(x, y) || 1;
      const eighth = Math.round(Math.atan2(y, x) / (Math.PI / 4));
      const to = far < 0.25 ? [0, 0] : [Math.cos(eighth * Math.PI / 4), Math.sin(eighth * Math.PI / 4)].map(Math.round);
      knob.style.transform = `translate(${x / Math.max(far, 1) * half * 0.6}px, ${-y / Math.max(far, 1) * half * 0.6}px)`;
      if (!this.on || to.join() === this.touch.join()) return;
      this.touch = to;
      this.changed();
    };
    const stop = event => {
      if (event.pointerId !== finger) return;
      finger = null;
      knob.style.transform = "";
      this.touch = [0, 0];
      this.changed();
    };
    node.addEventListener("pointerdown", event => {
      event.preventDefault();
      if (finger !== null) return;
      finger = event.pointerId;
      node.setPointerCapture(finger);
      move(event);
    });
    node.addEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) node.addEventListener(name, stop);
  }

  /** Look at the gamepads, once a frame: browsers tell of no change by themselves. */
  poll() {
    const pad = [...(navigator.getGamepads?.() || [])].find(p => p && p.connected && p.mapping === "standard");
    if (!pad) return;
    const down = new Set(pad.buttons.flatMap((button, i) => button.pressed ? [i] : []));
    let [x, y] = [pad.axes[0], -pad.axes[1]].map(a => Math.abs(a) < STICK_DEAD ? 0 : Math.sign(a));
    for (const [i, [dx, dy]] of Object.entries(PAD_CROSS)) if (down.has(Number(i))) { x += dx; y += dy; }
    const before = this.pad;
    this.pad = { x, y, down };
    const began = i => down.has(i) && !before.down.has(i);
    if (began(PAD_START)) this.command("pause");
    if (began(PAD_AGAIN)) this.command("again");
    for (const [i, skill] of Object.entries(PAD_BUTTONS)) {
      if (began(Number(i))) this.press(skill, "pad" + i);
      if (!down.has(Number(i)) && before.down.has(Number(i))) this.release(skill, "pad" + i);
    }
    if (this.on && (x !== before.x || y !== before.y)) this.changed();
  }
}
