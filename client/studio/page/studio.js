// Puts the parts of the page together, and gives them keys.

import { Favourites, downloadSound } from "./favourites.js";
import { asWav } from "./files.js";
import { Labels } from "./labels.js";
import { SoundMap } from "./map.js";
import { Morph } from "./morph.js";
import { Player } from "./player.js";
import { get, sounds as ask } from "./server.js";
import { sound } from "./sound.js";
import { Stage } from "./stage.js";
import { Training } from "./training.js";
import { base64Of, bytesOf } from "./wav.js";

const PATIENCE = 600; // milliseconds until the page says that the endpoint works
const LONG = 6_000; // and until it says why that takes so long
const LOOK_AGAIN = 20_000; // milliseconds between two looks at which model is served
const MOST_SEED = 1_000_000;
const LONG_NAME = 24; // characters of a job's name that are shown
const $ = (id) => document.getElementById(id);

let working = 0;
let model = null;

// Runs something that takes a while; gives null when it fails, and says why.
async function doing(action) {
  working += 1;
  const patience = [
    setTimeout(() => busy("The endpoint is working …"), PATIENCE),
    setTimeout(() => busy("The endpoint starts: it has not been called for a while …"), LONG),
  ];
  try {
    const result = await action();
    $("trouble").hidden = true;
    return result;
  } catch (trouble) {
    complain(trouble);
    return null;
  } finally {
    patience.forEach(clearTimeout);
    working -= 1;
    if (!working) $("busy").hidden = true;
  }
}

function busy(sentence) {
  $("busy-said").textContent = sentence;
  $("busy").hidden = false;
}

function complain(trouble) {
  $("trouble-said").textContent = trouble.message;
  $("trouble").hidden = false;
}

const say = (sentence) => ($("status").textContent = sentence);

const player = new Player();
const stage = new Stage(player);
const labels = new Labels();
const map = new SoundMap(doing);
const morph = new Morph(player, doing);
const favourites = new Favourites(doing);
const training = new Training(doing);

// --- sounds of a label

function settings() {
  const seed = Math.max(0, Math.min(MOST_SEED - 1, Math.trunc(Number($("seed").value)) || 0));
  const count = Math.max(1, Math.min(24, Math.trunc(Number($("count").value)) || 1));
  return { seed, count, temperature: Number($("temperature").value) };
}

const anotherSeed = () => ($("seed").value = Math.floor(Math.random() * MOST_SEED));

async function make(wish, told = {}) {
  const made = await doing(async () => (await ask(wish)).map((one) => sound({ ...one, temperature: wish.temperature }, told)));
  if (made) stage.add(made);
  return made;
}

async function makeOfLabel(count) {
  const wish = { ...settings(), ...(count ? { count } : {}) };
  if (labels.chosen) wish.label = labels.chosen;
  $("make-button").disabled = true;
  const made = await make(wish);
  $("make-button").disabled = false;
  if (made && $("fresh").checked) anotherSeed();
}

// --- variations

async function vary(wav, file) {
  const made = await make({ ...settings(), audio: wav, name: file }, { file });
  if (made && $("fresh").checked) anotherSeed();
}

async function varyFile(file) {
  const bytes = await doing(() => asWav(file, model?.sample_rate, model?.clip_samples));
  if (bytes) await vary(base64Of(bytes), file.name);
}

// --- what is served

async function readModel() {
  const said = await doing(() => get("api/model"));
  if (!said) return;
  const changed = model && `${model.url} ${model.version}` !== `${said.url} ${said.version}`;
  model = said;
  const known = said.labels ?? [];
  const folder = said.url.split("/").at(-2); // the job that trained it
  const shown = folder.length > LONG_NAME ? `${folder.slice(0, LONG_NAME)}…` : folder;
  const kind = folder === "starter" ? "the starter model" : `the model of ${shown}`;
  const facts = [
    said.labels && (known.length ? `${known.length} labels` : "no labels"),
    said.sample_rate && `${said.sample_rate / 1000} kHz`,
    said.clip_samples && `${(said.clip_samples / said.sample_rate).toFixed(2)} s`,
  ].filter(Boolean);
  $("served").textContent = `${said.stage} on ${said.where} serves ${kind}${facts.length ? ` · ${facts.join(" · ")}` : ""}`;
  $("served").title = said.url;
  labels.use(known);
  stage.colourBy(known);
  map.use(said.map, said.no_map);
  morph.use(known, said.morph_steps);
  if (said.temperature !== null) setTemperature(said.temperature);
  if (changed) say("The endpoint serves another model now.");
}

async function noticeAnother() {
  if (!document.hidden) {
    try {
      const { url, version } = await get("api/version");
      if (!model || url !== model.url || version !== model.version) await readModel();
    } catch {
      // whoever wants a sound is told
    }
  }
  setTimeout(noticeAnother, LOOK_AGAIN);
}

function setTemperature(value) {
  $("temperature").value = value;
  $("temperature-said").textContent = Number(value).toFixed(2);
}

// --- what is shown and kept

function showKept() {
  const isKept = stage.current && favourites.has(stage.current);
  $("keep").textContent = isKept ? "Kept" : "Keep";
  $("keep").setAttribute("aria-pressed", Boolean(isKept));
}

function keep() {
  if (!stage.current) return;
  try {
    say(favourites.turn(stage.current, model?.url) ? `${stage.current.title} is a favourite.` : "It is no favourite any more.");
  } catch (trouble) {
    complain(trouble);
  }
  showKept();
}

const varyCurrent = () => stage.current && vary(stage.current.wav, stage.current.file ?? stage.current.title);

stage.addEventListener("show", showKept);
player.addEventListener("begin", ({ detail }) => say(`${detail.title} plays.`));
labels.addEventListener("look", ({ detail }) => map.lookAt(detail));
map.addEventListener("made", ({ detail }) => stage.add([detail]));
training.addEventListener("made", ({ detail }) => stage.add([detail]));
morph.addEventListener("show", ({ detail }) => stage.show(detail));
favourites.addEventListener("removed", showKept);
favourites.addEventListener("play", ({ detail }) => {
  stage.show(detail);
  stage.play();
});

// --- controls

function turnTheme() {
  theme.turn();
  nameTheme();
  document.dispatchEvent(new Event("theme"));
}

const nameTheme = () => ($("theme").textContent = theme.dark() ? "Light" : "Dark");

$("make").addEventListener("submit", (event) => {
  event.preventDefault();
  makeOfLabel();
});
$("temperature").addEventListener("input", () => setTemperature($("temperature").value));
$("dice").addEventListener("click", anotherSeed);
$("keep").addEventListener("click", keep);
$("wav").addEventListener("click", () => stage.current && downloadSound(stage.current));
$("vary-this").addEventListener("click", varyCurrent);
$("theme").addEventListener("click", turnTheme);
$("help-open").addEventListener("click", () => $("help").showModal());
$("trouble-close").addEventListener("click", () => ($("trouble").hidden = true));
$("file").addEventListener("change", () => {
  if ($("file").files.length) varyFile($("file").files[0]);
  $("file").value = "";
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  nameTheme();
  document.dispatchEvent(new Event("theme"));
});

// A file may be dropped anywhere.
const dragged = (event) => event.dataTransfer?.types.includes("Files");
document.addEventListener("dragover", (event) => {
  if (!dragged(event)) return;
  event.preventDefault();
  $("drop").classList.add("over");
});
document.addEventListener("dragleave", (event) => event.relatedTarget ?? $("drop").classList.remove("over"));
document.addEventListener("drop", (event) => {
  if (!dragged(event)) return;
  event.preventDefault();
  $("drop").classList.remove("over");
  if (event.dataTransfer.files.length) varyFile(event.dataTransfer.files[0]);
});

// --- keys

const KEYS = {
  " ": () => stage.toggle(),
  ArrowLeft: () => stage.step(-1),
  ArrowRight: () => stage.step(1),
  a: () => ofLabel(null),
  m: () => makeOfLabel(),
  r: anotherSeed,
  v: varyCurrent,
  l: () => morph.toggle(),
  "[": () => morph.nudge(-0.05),
  "]": () => morph.nudge(0.05),
  k: keep,
  d: () => stage.current && downloadSound(stage.current),
  t: turnTheme,
  "?": () => $("help").showModal(),
};

function ofLabel(label) {
  labels.chosen = label;
  makeOfLabel(1);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
  const focused = event.target;
  if (focused.matches("select")) return; // it reads letters
  if (focused.matches("input[type=number]") && !/^[a-z?]$/i.test(event.key)) return; // it reads digits
  if (event.key === " " && focused.matches("button, input, summary, a")) return; // it presses them
  if (event.key.startsWith("Arrow") && focused.matches("input")) return; // it moves them
  const label = labels.keys.get(event.key);
  const action = label ? () => ofLabel(label) : KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action || event.repeat) return;
  event.preventDefault();
  action();
});

// Who presses a button with the mouse goes on with the page's keys, not with the button's.
document.addEventListener("click", (event) => {
  const pressed = event.detail > 0 && event.target.closest("button, .chip");
  if (pressed && document.activeElement !== document.body) document.activeElement.blur();
});

nameTheme();
anotherSeed();
await readModel();
training.look();
setTimeout(noticeAnother, LOOK_AGAIN);
