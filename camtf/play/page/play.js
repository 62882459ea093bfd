// The page of a match: talks to the server, shows what it says, and sends what the person does.
"use strict";

const LEVELS = { Easy: [2, 5], Normal: [1, 3], Hard: [1, 1], Full: [1, 0] };  // temperature, delay in decisions
const SKILL_WORDS = { attack: "Attack", guard: "Guard", dash: "Dash", substitute: "Substitute", summon: "Summon" };
const MOVE_OF_SKILL = { skill_1: 3, skill_2: 4, ultimate: 5, scroll: 6 };
const TICKS_AHEAD = 6, RETRY_MS = 1000, NUMBER_SECONDS = 0.8, FULL = 1013;
const $ = id => document.getElementById(id);

let socket, about, stage;
let last = JSON.parse(sessionStorage.getItem("last"));  // what the match was asked for
let fighters = [], frames = [], at = 0;      // a frame is a tick: the states of both; at: which is shown, a fraction
let ticksBefore = 0;                         // the first frame's number
let numbers = [], shown = -1, newest = 0;    // shown: the frame whose bars are on the page; newest: decision received
let ended = null, taken = false, counting = 0, speed = 1, before = 0, longest = {};

/** An element with properties and children; text is text, whatever is in it. */
function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

const now = () => $("game").dataset.state;

/** Show what belongs to a state: connecting, menu, fight, halted or over. */
function become(name) {
  $("game").dataset.state = name;
  for (const [id, when] of [["menu", "menu"], ["over", "over"], ["halted", "halted"]]) $(id).hidden = name !== when;
  controls.on = name === "fight";
  if (!controls.on) controls.letGo();
}

function notice(text, small = true) {
  if ($("notice").textContent !== text) $("notice").textContent = text;
  $("notice").classList.toggle("small", small);
}

function send(message) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function tell() { if (["fight", "halted"].includes(now())) send({ type: "input", ...controls.take(), seen: newest }); }

function command(name) {
  if (name === "pause") now() === "fight" ? send({ type: "pause" }) : now() === "halted" && send({ type: "resume" });
  if (name === "again" && now() === "over") start(last);
  if (name === "again" && now() === "halted") send({ type: "resume" });
}

const controls = new Controls([], tell, command);

// --- the connection

function connect() {
  const session = sessionStorage.getItem("session") || "";
  socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/socket?session=${encodeURIComponent(session)}`);
  socket.onmessage = event => { const message = JSON.parse(event.data); HANDLERS[message.type]?.(message); };
  socket.onclose = event => {
    if (taken) return;
    if (event.code === FULL) return notice("Too many pages are open there.");
    if (now() === "fight") become("halted");
    notice("No connection to the server; trying again");
    setTimeout(connect, RETRY_MS);
  };
}

const HANDLERS = {
  welcome(message) {
    about = message;
    if (sessionStorage.getItem("session") !== message.session) last = null;
    sessionStorage.setItem("session", message.session);
    controls.skills = message.rules.skills;
    notice("");
    fillMenu();
    become("menu");
  },
  match(message) {
    fighters = message.fighters;
    fighters[0].mine = true;
    speed = message.speed;
    frames = [message.state];
    [at, shown, newest, ended, numbers, longest] = [0, -1, message.number, null, [], {}];
    ticksBefore = newest * about.rules.ticks_per_second / about.rules.decisions_per_second;
    become("fight");
    stage = new Stage($("stage"), about.rules, fighters);
    buildBars();
    buildSkills();
    showLegal(message.legal, 0);
  },
  countdown(message) {
    become("fight");
    counting = performance.now() + 1000 * message.seconds;
    before = performance.now();
  },
  turn(message) {
    newest = message.number;
    frames.push(...message.ticks);
    showLegal(message.legal, message.actions[0][1]);
    tell();
  },
  paused() { become("halted"); },
  taken() {  // by a copy of this tab
    taken = true;
    sessionStorage.removeItem("session");
    become("connecting");
    notice("The match goes on in another tab. Load the page again to play here.");
  },
  refused(message) {
    notice(message.message);
    setTimeout(() => notice(""), 6000);
    $("about").textContent = message.message;
    if (!frames.length) become("menu");
  },
  end(message) {
    ended = message;
    $("save").href = `/replays/${message.replay}.npz`;
    $("watch").href = `/replays/${message.replay}`;
    if (document.hidden) at = frames.length - 1;
  },
};

// --- the menu

function options(select, entries, chosen) {
  const node = ([value, text]) => make("option", { value, textContent: text, selected: value === chosen });
  select.replaceChildren(...Object.entries(entries).map(([group, list]) =>
    make("optgroup", { label: group }, ...list.map(node))).filter(group => group.childElementCount));
}

const chosenOffer = () => about.offers.find(offer => offer.kind === $("opponent").value);

function characterGroups(ids) {
  const trained = new Set(about.offers[0].characters), all = about.characters.filter(c => ids.includes(c.id));
  const entry = c => [c.id, `${c.name} (${c.archetype})`];
  if (trained.size === about.characters.length) return { Characters: all.map(entry) };
  return { "Trained for": all.filter(c => trained.has(c.id)).map(entry), Others: all.filter(c => !trained.has(c.id)).map(entry) };
}

function fillMenu() {
  const everybody = about.characters.map(c => c.id), bot = offer => !offer.precisions.length;
  options($("character"), characterGroups(everybody), last?.character || about.chosen[0]);
  options($("opponent"), {
    Policies: about.offers.filter(o => !bot(o)).map(o => [o.kind, o.kind[0].toUpperCase() + o.kind.slice(1)]),
    "Scripted opponents": about.offers.filter(bot).map(o => [o.kind, spaced(o.kind)]),
  }, last?.opponent || about.offers[0].kind);
  fillOpponent(last?.opponent_character || about.chosen[1]);
  $("levels").replaceChildren(...Object.entries(LEVELS).map(([name, [temperature, delay]]) => make("button", {
    type: "button", textContent: name, onclick: () => { difficulty(temperature, delay); },
  })));
  difficulty(last?.temperature ?? LEVELS.Normal[0], last?.delay ?? LEVELS.Normal[1]);
  $("about").textContent = bot(about.offers[0]) ?
    "No policies were given: scripted opponents play. Start the server with --run_dir or --pack for a Specialist." : "";
  $("keys").replaceChildren(...Object.entries(KEYS).map(([skill, codes]) =>
    make("tr", {}, make("td", {}, spaced(skill)), make("td", {}, [...new Set(codes.map(keyName))].join(", ")))));
}

function fillOpponent(chosen) {
  const offer = chosenOffer();
  options($("opponent_character"), characterGroups(offer.characters), chosen);
  options($("precision"), { "": offer.precisions.map(p => [p, p]) }, last?.precision || "");
  $("precision").disabled = $("difficulty").disabled = !offer.precisions.length;
}

function difficulty(temperature, delay) {
  $("temperature").value = temperature;
  $("delay").value = delay;
  $("temperature_shown").textContent = temperature === 0 ? "best action" : temperature.toFixed(2);
  $("delay_shown").textContent = `${delay * about.milliseconds_per_delay} ms late`;
  Object.values(LEVELS).forEach(([t, d], i) => $("levels").children[i].classList.toggle("on", t === temperature && d === delay));
}

function start(wish) {
  last = wish;
  sessionStorage.setItem("last", JSON.stringify(wish));
  send({ type: "start", ...wish });
}

$("menu").onsubmit = event => {
  event.preventDefault();
  document.activeElement?.blur();
  const value = id => $(id).value, number = id => Number($(id).value);
  start({
    character: value("character"), opponent: value("opponent"), opponent_character: value("opponent_character"),
    precision: value("precision"), temperature: number("temperature"), delay: number("delay"),
  });
};
$("opponent").onchange = () => fillOpponent($("opponent_character").value);
for (const id of ["temperature", "delay"]) $(id).oninput = () => difficulty(Number($("temperature").value), Number($("delay").value));
$("rematch").onclick = () => start(last);
$("change").onclick = () => { fillMenu(); become("menu"); };
$("pause").onclick = () => { $("pause").blur(); command("pause"); };
$("resume").onclick = () => send({ type: "resume" });
$("leave").onclick = () => { send({ type: "leave" }); fillMenu(); become("menu"); };
document.addEventListener("visibilitychange", () => { if (document.hidden && now() === "fight") send({ type: "pause" }); });
addEventListener("resize", () => stage?.fit());

// --- health, mana, cooldowns, skills

function buildBars() {
  fighters.forEach((f, p) => {
    const dot = make("span", { className: "dot" }), bar = kind => make("div", { className: `bar ${kind}` }, make("i"), make("i"), make("span"));
    dot.style.background = stage.colours[p];
    const name = make("div", { className: "name" }, dot, make("b", {}, f.name), make("small", {}, p ? f.player : `you · ${f.archetype}, ${f.element}`));
    $("who" + p).replaceChildren(name, bar("health"), bar("mana"), make("div", { className: "chips" }));
    name.title = `${f.archetype}, ${f.element}, ${spaced(f.passive)}; ${f.player}`;
  });
}

function fill(bar, share, text) {
  for (const node of bar.querySelectorAll("i")) node.style.width = `${100 * share}%`;
  if (bar.lastChild.textContent !== text) bar.lastChild.textContent = text;
}

function showBars(frame) {
  const second = about.rules.ticks_per_second;
  fighters.forEach((f, p) => {
    const now = frame[p], [, health, mana, chips] = $("who" + p).children;
    fill(health, now.hp / f.health, `${now.hp}`);
    health.classList.toggle("low", now.hp < 0.3 * f.health);
    fill(mana, now.mp / about.rules.full_mana, "");
    const combo = frame[1 - p].c;
    chips.replaceChildren(
      ...(combo > 1 ? [make("span", { className: "hits" }, `${combo} hits`)] : []),
      ...now.b.map(([kind, ticks, stacks]) => {
        const name = about.rules.buffs[kind];
        return make("span", { className: GOOD_BUFFS.has(name) ? "good" : "" },
          `${spaced(name)}${stacks > 1 ? " x" + stacks : ""} ${(ticks / second).toFixed(1)}`);
      }),
    );
  });
  $("clock").textContent = Math.max(0, Math.ceil(about.rules.seconds - (ticksBefore + shown) / second));
  showCooldowns(frame[0]);
}

function buildSkills() {
  $("skills").replaceChildren(...about.rules.skills.slice(1).map(skill => {
    const move = fighters[0].moves[MOVE_OF_SKILL[skill]];
    const node = make("button", { type: "button", tabIndex: -1, title: spaced(skill) }, make("i"),
      make("kbd", {}, keyName(KEYS[skill][0])), make("span", {}, SKILL_WORDS[skill] || move.name), make("small"));
    node.dataset.skill = skill;
    controls.button(node, skill);
    return node;
  }));
}

function showCooldowns(mine) {
  for (const node of $("skills").children) {
    const skill = node.dataset.skill, index = about.rules.cooldowns.indexOf(skill), ticks = index < 0 ? 0 : mine.cd[index];
    longest[skill] = ticks ? Math.max(longest[skill] || 0, ticks) : 0;
    node.firstChild.style.height = ticks ? `${100 * ticks / longest[skill]}%` : "0";
    const cost = MOVE_OF_SKILL[skill] ? fighters[0].moves[MOVE_OF_SKILL[skill]].mana_per_mille : 0;
    const text = ticks ? (ticks / about.rules.ticks_per_second).toFixed(1) + " s" : cost > mine.mp ? `mana ${Math.round(cost / about.rules.full_mana * 100)}%` : "";
    if (node.lastChild.textContent !== text) node.lastChild.textContent = text;
  }
}

function showLegal(legal, used) {
  const offset = about.rules.movements.length;
  [...$("skills").children].forEach((node, i) => {
    node.classList.toggle("legal", legal[offset + i + 1] > 0);
    node.classList.toggle("used", used === i + 1);
  });
}

// --- the stage, at the pace of the screen

function passed(from, to) {  // what happens in the frames on the way
  for (let i = Math.max(from, 0) + 1; i <= to; i++) for (const p of [0, 1]) {
    const lost = frames[i - 1][p].hp - frames[i][p].hp;
    if (lost > 4) numbers.push({ p, lost, began: before / 1000 });
  }
}

function advance(seconds) {
  const end = frames.length - 1, behind = end - at;
  at = Math.min(end, at + seconds * about.rules.ticks_per_second * speed * (behind > TICKS_AHEAD ? 2 : 1));
  const index = Math.floor(at);
  if (index === shown) return;
  passed(shown, index);
  shown = index;
  showBars(frames[index]);
}

function finish() {
  const words = { 1: "You win!", 0: "You lose", 0.5: "Draw" }[ended.outcome];
  $("result").textContent = words;
  $("summary").textContent = fighters.map((f, p) => `${f.name} ${frames.at(-1)[p].hp} of ${f.health} HP`).join(" · ");
  become("over");
}

function frame(time) {
  const seconds = Math.min((time - before) / 1000, 0.25);
  before = time;
  controls.poll();
  if (frames.length && stage) {
    const left = counting - time;
    if (now() === "fight" && left <= 0) advance(seconds);
    if (now() === "fight" && shown < 0) { shown = 0; showBars(frames[0]); }
    if (left > 0 && now() === "fight") notice(String(Math.ceil(left * speed / 1000)), false);
    else if (/^\d$/.test($("notice").textContent)) notice("");
    const index = Math.min(Math.floor(at), frames.length - 1), next = Math.min(index + 1, frames.length - 1);
    numbers = numbers.filter(n => time / 1000 - n.began < NUMBER_SECONDS);
    stage.draw(frames[index], frames[next], at - index, 1, time / 1000, { numbers: numbers.map(n => ({ ...n, age: time / 1000 - n.began })) });
    if (ended && now() === "fight" && at >= frames.length - 1) finish();
  }
  requestAnimationFrame(frame);
}

document.querySelector("#menu details").open = matchMedia("(pointer: fine)").matches;
controls.stick($("stick"));
connect();
requestAnimationFrame(frame);
