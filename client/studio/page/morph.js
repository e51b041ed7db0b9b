// The way from one label to another, heard as a loop while the slider is dragged.
//
// All steps loop at the same time, in step with each other; the slider decides which two of them
// are heard, so nothing has to be fetched or started while it moves.

import { begin, redraw } from "./canvas.js";
import { spectrogramColours } from "./colours.js";
import { sound } from "./sound.js";
import { paint } from "./spectrogram.js";
import { sounds as ask } from "./server.js";

const GLIDE = 0.02; // seconds that a gain takes to follow the slider
const FADE = 0.03; // seconds at the loop's end
const $ = (id) => document.getElementById(id);

export class Morph extends EventTarget {
  #steps = [];
  #alike = []; // correlation of each step with the next one
  #loops = []; // {source, gain} of each step while they sound
  #asking = null;
  #labels = [];
  #most = 2;
  seed = 1;

  constructor(player, working) {
    super();
    this.player = player;
    this.working = working; // shows that the endpoint works, and what goes wrong
    redraw($("film-canvas"), () => this.#draw());
    $("position").addEventListener("input", () => this.#moved());
    $("position").addEventListener("change", () => this.#moved());
    $("morph-play").addEventListener("click", () => this.toggle());
    $("morph-dice").addEventListener("click", () => this.#again(Math.floor(Math.random() * 1e6)));
    for (const id of ["from", "to"]) $(id).addEventListener("change", () => this.#again(this.seed));
    player.addEventListener("begin", () => this.stop()); // another sound
    this.#name();
  }

  get playing() {
    return this.#loops.length > 0;
  }

  // The labels that the served model has, and how many steps fit into its answer.
  use(labels, steps) {
    const former = [$("from").value, $("to").value];
    this.stop();
    [this.#labels, this.#most, this.#steps] = [labels, steps, []];
    for (const [at, id] of ["from", "to"].entries()) {
      $(id).replaceChildren(...labels.map((label) => new Option(label)));
      $(id).selectedIndex = at * (labels.length > 1);
      if (labels.includes(former[at])) $(id).value = former[at];
    }
    $("morph-controls").hidden = $("position").disabled = labels.length < 2;
    $("film-empty").hidden = false;
    $("film-empty").textContent =
      labels.length < 2
        ? "A morph needs a model with two labels or more"
        : "Drag the slider: the sound changes while it loops";
    this.#draw();
    this.#name();
  }

  async toggle() {
    if (this.playing) this.stop();
    else await this.start();
  }

  async start() {
    if (this.#labels.length < 2) return;
    await this.#fetch();
    if (this.#steps.length && !this.playing) this.#loop();
  }

  stop() {
    const now = this.playing ? this.player.context.currentTime : 0;
    for (const { source, gain } of this.#loops) {
      gain.gain.setTargetAtTime(0, now, GLIDE / 3);
      source.stop(now + GLIDE);
    }
    this.#loops = [];
    $("morph-play").textContent = "Loop";
    $("morph-play").setAttribute("aria-pressed", "false");
  }

  // Moves the slider by this share of its way.
  nudge(by) {
    $("position").value = Number($("position").value) + by;
    this.#moved();
  }

  // The step that is nearest to the slider.
  nearest() {
    return this.#steps[Math.round(Number($("position").value) * (this.#steps.length - 1))];
  }

  async #moved() {
    this.#name();
    if (!this.playing) await this.start();
    this.#mix();
    if (this.#steps.length) this.dispatchEvent(new CustomEvent("show", { detail: this.nearest() }));
  }

  async #again(seed) {
    const loud = this.playing;
    this.stop();
    [this.seed, this.#steps, this.#asking] = [seed, [], null];
    $("film-empty").hidden = false;
    this.#draw();
    this.#name();
    if (loud) await this.#moved();
  }

  // Asks for the steps once, however often the slider is moved meanwhile.
  async #fetch() {
    if (this.#steps.length) return;
    const wish = { from: $("from").value, to: $("to").value, steps: this.#most, seed: this.seed };
    const asking = (this.#asking ??= this.working(() => ask(wish)));
    const made = await asking;
    if (this.#asking !== asking) return; // another morph has been chosen
    this.#asking = null;
    if (!made) return;
    this.#steps = made.map((one) => sound(one));
    this.#alike = this.#steps.slice(1).map((step, before) => correlation(this.#steps[before].samples, step.samples));
    $("film-empty").hidden = true;
    this.#draw();
    this.#name();
  }

  #loop() {
    this.player.stop();
    const context = this.player.context;
    const start = context.currentTime + 0.03;
    this.#loops = this.#steps.map((step) => {
      const source = new AudioBufferSourceNode(context, { buffer: this.player.buffer(faded(step)), loop: true });
      const gain = new GainNode(context, { gain: 0 });
      source.connect(gain).connect(context.destination);
      source.start(start);
      return { source, gain };
    });
    $("morph-play").textContent = "Stop";
    $("morph-play").setAttribute("aria-pressed", "true");
    this.#mix();
    this.dispatchEvent(new CustomEvent("show", { detail: this.nearest() }));
  }

  // Two neighbours are heard at most, together as loud as one of them alone: how much they add up
  // depends on how alike they are, which goes from 0 to 1 within one morph.
  #mix() {
    if (!this.playing) return;
    const place = Number($("position").value) * (this.#steps.length - 1);
    const low = Math.min(Math.floor(place), this.#steps.length - 2);
    const angle = ((place - low) * Math.PI) / 2;
    const pair = [Math.cos(angle), Math.sin(angle)];
    const together = Math.sqrt(1 + 2 * pair[0] * pair[1] * this.#alike[low]);
    this.#loops.forEach(({ gain }, step) => {
      gain.gain.setTargetAtTime((pair[step - low] ?? 0) / together, this.player.context.currentTime, GLIDE);
    });
  }

  #name() {
    const share = 1 / Math.max(1, this.#steps.length);
    $("film-mark").hidden = !this.#steps.length;
    $("film-mark").style.width = `${100 * share}%`;
    $("film-mark").style.left = `${100 * (1 - share) * Number($("position").value)}%`;
    const place = Math.round(100 * Number($("position").value));
    const [from, to] = [$("from").value, $("to").value];
    $("from-said").textContent = from;
    $("to-said").textContent = to;
    $("position-said").textContent = this.#labels.length > 1 ? `${place} %` : "";
    $("position").setAttribute("aria-valuetext", `${place} % of the way from ${from} to ${to}`);
  }

  #draw() {
    const { context, width, height } = begin($("film-canvas"));
    const [colours, part] = [spectrogramColours(), width / Math.max(1, this.#steps.length)];
    this.#steps.forEach((step, number) => {
      paint(context, step, colours, [number * part, 0, part - 1, height], [Math.max(8, Math.round(part / 1.5)), 48]);
    });
  }
}

function correlation(a, b) {
  let [both, first, second] = [0, 1e-9, 1e-9];
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    both += a[i] * b[i];
    first += a[i] * a[i];
    second += b[i] * b[i];
  }
  return Math.max(0, both / Math.sqrt(first * second));
}

// The same sound with silent ends: a loop would click where they meet.
function faded({ samples, rate }) {
  const out = Float32Array.from(samples);
  const length = Math.min(Math.round(FADE * rate), out.length >> 1);
  for (let i = 0; i < length; i++) out[out.length - 1 - i] *= i / length;
  return { samples: out, rate };
}
