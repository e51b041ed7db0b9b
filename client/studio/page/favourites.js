// Sounds that somebody wants to keep: in this browser, with all that makes them again.

import { kept, sound } from "./sound.js";
import { thumbnail } from "./stage.js";
import { post } from "./server.js";
import { bytesOf } from "./wav.js";

const NAME = "soundvae-favourites";
const $ = (id) => document.getElementById(id);

export class Favourites extends EventTarget {
  #sounds = [];

  constructor(working) {
    super();
    this.working = working;
    this.#sounds = remembered();
    $("pack").addEventListener("click", () => this.#pack());
    document.addEventListener("theme", () => this.#draw());
    this.#draw();
  }

  has(wanted) {
    return this.#sounds.some(({ id }) => id === wanted.id);
  }

  // Keeps a sound, or forgets it; says whether it is kept now.
  turn(wanted, model) {
    const before = this.#sounds;
    this.#sounds = this.has(wanted)
      ? before.filter(({ id }) => id !== wanted.id)
      : [{ ...wanted, model }, ...before];
    try {
      localStorage.setItem(NAME, JSON.stringify(this.#sounds.map(kept)));
    } catch {
      this.#sounds = before;
      throw new Error("This browser keeps no more: download the favourites and remove some.");
    }
    this.#draw();
    return this.has(wanted);
  }

  #draw() {
    $("favourites-empty").hidden = this.#sounds.length > 0;
    $("pack").disabled = !this.#sounds.length;
    $("favourites").replaceChildren(...this.#sounds.map((one) => this.#row(one)));
  }

  #row(one) {
    const row = document.createElement("li");
    const play = button("", `Play ${one.title}`, () => this.dispatchEvent(new CustomEvent("play", { detail: one })));
    play.className = "favourite";
    const name = document.createElement("span");
    name.textContent = one.title;
    play.append(thumbnail(one), name);
    const wav = button("↓", `Download ${one.title} as WAV`, () => downloadSound(one));
    const remove = button("×", `Remove ${one.title}`, () => {
      this.turn(one);
      this.dispatchEvent(new CustomEvent("removed"));
    });
    wav.className = remove.className = "quiet";
    row.append(play, wav, remove);
    return row;
  }

  async #pack() {
    const sounds = this.#sounds.map(kept);
    const model = sounds[0].model;
    const answer = await this.working(() => post("api/favourites", { model, sounds }));
    if (answer) download(await answer.blob(), "favourites.zip");
  }
}

export function downloadSound(one) {
  const name = one.title.replace(/[^\p{L}\p{N} ._-]+/gu, "-").trim();
  download(new Blob([bytesOf(one.wav)], { type: "audio/wav" }), `${name || "sound"}.wav`);
}

function download(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function button(text, label, action) {
  const made = Object.assign(document.createElement("button"), { type: "button", textContent: text });
  made.setAttribute("aria-label", label);
  made.addEventListener("click", action);
  return made;
}

function remembered() {
  try {
    return JSON.parse(localStorage.getItem(NAME) ?? "[]").map((one) => sound(one));
  } catch {
    return []; // another version's, or a browser that keeps nothing
  }
}
