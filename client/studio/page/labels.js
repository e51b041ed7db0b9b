// The labels to choose from, each with its colour and its key.

import { labelColour } from "./colours.js";

const NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
const ANY = "";
const $ = (id) => document.getElementById(id);

// Key of each label: of spoken digits their own, of others 1 to 9 and 0 in their order.
export function keysOf(labels) {
  const digit = (label) => (/^\d$/.test(label) ? label : NUMBERS.includes(label) ? String(NUMBERS.indexOf(label)) : null);
  if (labels.length && labels.every(digit)) return new Map(labels.map((label) => [digit(label), label]).sort());
  return new Map(labels.slice(0, 10).map((label, at) => [String((at + 1) % 10), label]));
}

export class Labels extends EventTarget {
  #labels = [];
  keys = new Map();

  constructor() {
    super();
    document.addEventListener("theme", () => this.#draw());
  }

  use(labels) {
    const chosen = this.chosen;
    [this.#labels, this.keys] = [labels, keysOf(labels)];
    this.#draw();
    this.chosen = labels.includes(chosen) ? chosen : null;
  }

  // The label, or null for any.
  get chosen() {
    return document.querySelector("#labels input:checked")?.value || null;
  }

  set chosen(label) {
    const input = [...$("labels").querySelectorAll("input")].find(({ value }) => value === (label ?? ANY));
    if (input) input.checked = true;
  }

  #draw() {
    const chosen = this.chosen;
    const keyOf = new Map([...this.keys].map(([key, label]) => [label, key]));
    const inOrder = new Set([...this.keys.values(), ...this.#labels]);
    $("labels").replaceChildren(...[ANY, ...inOrder].map((label) => this.#chip(label, keyOf.get(label))));
    this.chosen = chosen;
  }

  #chip(label, key) {
    const chip = Object.assign(document.createElement("label"), { className: "chip" });
    const input = Object.assign(document.createElement("input"), { type: "radio", name: "label", value: label });
    const text = document.createElement("span");
    text.textContent = label || "any";
    const at = this.#labels.indexOf(label);
    if (at >= 0) text.style.setProperty("--dot", labelColour(at, this.#labels.length));
    chip.append(input, text);
    if (key ?? !label) chip.append(Object.assign(document.createElement("kbd"), { textContent: key ?? "A" }));
    chip.addEventListener("pointerenter", () => this.dispatchEvent(new CustomEvent("look", { detail: label || null })));
    chip.addEventListener("pointerleave", () => this.dispatchEvent(new CustomEvent("look", { detail: null })));
    return chip;
  }
}
