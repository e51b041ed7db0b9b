// A training run: how far it is, its curve, and what it sounded like epoch by epoch.

import { redraw } from "./canvas.js";
import { drawCurve } from "./curve.js";
import { get, getBytes } from "./server.js";
import { sound } from "./sound.js";
import { base64Of } from "./wav.js";

const RUNNING = 3_000; // milliseconds between two looks at a run that goes on
const RESTING = 20_000; // and at others
const LOSSES = ["val_loss", "train_loss"];
const UNITS = {
  val_loss: "loss", // nats per value, and more: metrics.json beside train.py says it in full
  mse: "squared error",
  kl: "nats per clip",
  seconds: "seconds per epoch",
  samples_per_second: "clips per second",
  seconds_per_step: "seconds per step",
};
const WORDS = { RUNNING: "is running", SUCCEEDED: "has succeeded", FAILED: "has failed", TIMED_OUT: "took too long", ABORTED: "was stopped" };
const $ = (id) => document.getElementById(id);

export class Training extends EventTarget {
  #runs = [];
  #run = null; // what is known of the chosen one
  #timer = null;
  #touched = false; // somebody chose an epoch, so the newest is no longer shown

  constructor(working) {
    super();
    this.working = working;
    redraw($("curve"), () => this.#draw());
    $("run").addEventListener("change", () => this.#choose());
    $("figure").addEventListener("change", () => this.#draw());
    $("epoch").addEventListener("input", () => {
      this.#touched = true;
      this.#showSamples();
    });
    document.addEventListener("visibilitychange", () => !document.hidden && this.look());
  }

  // Looks at the runs, and again and again after that.
  async look() {
    clearTimeout(this.#timer);
    if (!document.hidden) {
      try {
        await this.#refresh();
      } catch (trouble) {
        $("run-said").textContent = trouble.message;
      }
    }
    this.#timer = setTimeout(() => this.look(), this.#run?.status === "RUNNING" ? RUNNING : RESTING);
  }

  async #refresh() {
    const { runs } = await get("api/runs");
    const [former, chosen] = [this.#runs[0]?.name, $("run").value];
    this.#runs = runs;
    $("training-controls").hidden = !runs.length;
    if (!runs.length) {
      $("run-said").textContent = "No run yet: `soundvae upload FOLDER`, then `soundvae train`, and its curve grows here.";
      return;
    }
    const words = (run) => `${new Date(run.started).toLocaleString([], { dateStyle: "medium", timeStyle: "short" })} · ${run.status.toLowerCase()}`;
    fill($("run"), runs.map((run) => [words(run), run.name]));
    const stays = former === runs[0].name && runs.some(({ name }) => name === chosen);
    $("run").value = stays ? chosen : runs[0].name; // a new run is looked at
    if (!stays) this.#touched = false;
    await this.#read();
  }

  async #choose() {
    this.#touched = false;
    await this.working(() => this.#read());
  }

  async #read() {
    const name = $("run").value;
    const run = await get(`api/runs/${encodeURIComponent(name)}`);
    if ($("run").value !== name) return; // another one was chosen meanwhile
    this.#run = run;
    const [done, epochs] = [run.epochs.length, run.of ? ` of ${run.of}` : ""];
    const epoch = done ? `, after epoch ${run.epochs.at(-1).epoch}${epochs}` : "";
    const words = `The run ${WORDS[run.status] ?? run.status.toLowerCase()}${run.state ? ` (${run.state})` : ""}${epoch}`;
    const why = run.cause || run.why;
    $("run-said").textContent = why ? `${words}: ${why.replace(/[.!?]$/, "")}.` : `${words}.`;
    const names = [...new Set(run.epochs.flatMap(Object.keys))].filter((name) => name !== "epoch" && name !== "train_loss");
    const figure = $("figure").value;
    fill($("figure"), names.map((name) => [name.replaceAll("_", " "), name]));
    $("figure").value = names.includes(figure) ? figure : (names.find((name) => name === LOSSES[0]) ?? names[0]);
    $("figure").hidden = $("curve").hidden = !done;
    this.#draw();
    this.#listSamples();
  }

  #draw() {
    const run = this.#run;
    if (!run || $("curve").hidden) return;
    const figure = $("figure").value;
    const lines = {};
    for (const name of figure === LOSSES[0] ? LOSSES : [figure]) {
      const points = run.epochs.filter((epoch) => name in epoch).map((epoch) => [epoch.epoch, epoch[name]]);
      if (points.length) lines[name.replaceAll("_", " ")] = points;
    }
    drawCurve($("curve"), lines, Math.max(run.of ?? 0, run.epochs.at(-1)?.epoch ?? 1), UNITS[figure] ?? figure.replaceAll("_", " "));
    const last = run.epochs.at(-1);
    $("curve").setAttribute("aria-label", `${figure.replaceAll("_", " ")} after epoch ${last.epoch}: ${last[figure]}`);
  }

  #listSamples() {
    const epochs = this.#epochs();
    $("samples").hidden = !epochs.length;
    if (!epochs.length) return;
    const slider = $("epoch");
    const newest = !this.#touched || Number(slider.value) >= epochs.length;
    slider.max = epochs.length - 1;
    if (newest) slider.value = epochs.length - 1;
    this.#showSamples();
  }

  #epochs() {
    return [...new Set((this.#run?.samples ?? []).map(({ epoch }) => epoch))];
  }

  #showSamples() {
    const epoch = this.#epochs()[Number($("epoch").value)];
    $("epoch-said").textContent = epoch;
    $("epoch").setAttribute("aria-valuetext", `epoch ${epoch}`);
    const names = this.#run.samples.filter((sample) => sample.epoch === epoch).map(({ name }) => name);
    if ([...$("sample-names").children].map((chip) => chip.textContent).join("\n") === names.join("\n")) return;
    const chips = names.map((name) => {
      const chip = Object.assign(document.createElement("button"), { type: "button", className: "chip", textContent: name });
      chip.addEventListener("click", () => this.#hear(name));
      return chip;
    });
    $("sample-names").replaceChildren(...chips);
  }

  async #hear(name) {
    const epoch = this.#epochs()[Number($("epoch").value)];
    const query = new URLSearchParams({ epoch, name });
    const path = `api/runs/${encodeURIComponent(this.#run.name)}/sample?${query}`;
    const bytes = await this.working(() => getBytes(path));
    if (!bytes) return;
    const wav = base64Of(new Uint8Array(bytes));
    this.dispatchEvent(new CustomEvent("made", { detail: sound({ wav, label: name, title: `${name} · after epoch ${epoch}` }) }));
  }
}

// Gives a select its options, unless they are the same: it may be open.
function fill(select, options) {
  const said = JSON.stringify(options);
  if (select.dataset.options === said) return;
  select.dataset.options = said;
  select.replaceChildren(...options.map(([text, value]) => new Option(text, value)));
}
