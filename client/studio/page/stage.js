// The sound that is shown: spectrogram, waveform and playhead, and beside it those made before.

import { begin, marks, redraw } from "./canvas.js";
import { ink, labelColour, spectrogramColours } from "./colours.js";
import { seconds } from "./sound.js";
import { height as pitchHeight, paint } from "./spectrogram.js";

const MOST_TILES = 48;
const PITCHES = [100, 250, 500, 1000, 2000, 4000, 8000, 16000]; // Hz, marks of the axis
const AXIS = 24; // pixels below the spectrogram for its seconds
const $ = (id) => document.getElementById(id);

export class Stage extends EventTarget {
  current = null;
  sounds = []; // the newest first
  #colour = () => ink("accent");

  constructor(player) {
    super();
    this.player = player;
    for (const [canvas, draw] of [["spectrogram", () => this.#drawSpectrogram()], ["waveform", () => this.#drawWaveform()]]) {
      redraw($(canvas), draw);
    }
    document.addEventListener("theme", () => this.#drawTiles());
    $("play").addEventListener("click", () => this.toggle());
    $("scope").addEventListener("click", () => this.current && this.play());
    player.addEventListener("begin", () => this.#follow());
    player.addEventListener("end", () => this.#stopped());
  }

  // How the sounds of a label are coloured: (label) => colour.
  colourBy(labels) {
    this.#colour = (label) => {
      const at = labels.indexOf(label);
      return at < 0 ? ink("accent") : labelColour(at, labels.length);
    };
    this.#drawTiles();
  }

  colourOf(sound) {
    return this.#colour(sound.label ?? sound.near_label);
  }

  // Puts new sounds before those that are there, and plays the first of them.
  add(made) {
    this.sounds = [...made, ...this.sounds].slice(0, MOST_TILES);
    this.#drawTiles();
    this.show(made[0]);
    this.play();
  }

  show(sound) {
    this.current = sound;
    $("title").textContent = sound.title;
    $("scope-empty").hidden = true;
    for (const id of ["play", "keep", "wav", "vary-this"]) $(id).disabled = false;
    $("spectrogram").setAttribute("aria-label", `Spectrogram of ${sound.title}`);
    $("waveform").setAttribute("aria-label", `Waveform of ${sound.title}, ${seconds(sound).toFixed(2)} seconds`);
    this.#drawSpectrogram();
    this.#drawWaveform();
    for (const tile of $("tiles").children) {
      const chosen = tile.dataset.id === sound.id;
      tile.setAttribute("aria-selected", chosen);
      if (chosen) this.#uncover(tile);
    }
    this.dispatchEvent(new CustomEvent("show", { detail: sound }));
  }

  play() {
    this.player.play(this.current);
  }

  toggle() {
    if (this.player.sound) this.player.stop();
    else if (this.current) this.play();
  }

  // Goes to the sound before or after.
  step(by) {
    if (!this.sounds.length) return;
    const at = this.sounds.findIndex((sound) => sound.id === this.current.id);
    const next = Math.max(0, Math.min(this.sounds.length - 1, at + by));
    this.show(this.sounds[next]);
    this.play();
  }

  // Scrolls the row of tiles alone: the page stays where it is.
  #uncover(tile) {
    const row = $("tiles");
    if (tile.offsetLeft < row.scrollLeft) row.scrollLeft = tile.offsetLeft;
    const over = tile.offsetLeft + tile.offsetWidth - row.clientWidth;
    if (over > row.scrollLeft) row.scrollLeft = over;
  }

  #drawSpectrogram() {
    const { context, width, height } = begin($("spectrogram"));
    if (!this.current) return;
    const [rate, long] = [this.current.rate, seconds(this.current)];
    const picture = height - AXIS;
    paint(context, this.current, spectrogramColours(), [0, 0, width, picture], [Math.max(1, Math.min(600, Math.round(width))), 144]);
    [context.fillStyle, context.strokeStyle] = [ink("on-heat"), ink("heat-0")];
    [context.textBaseline, context.lineJoin, context.lineWidth] = ["middle", "round", 4];
    for (const pitch of PITCHES.filter((pitch) => pitch < 0.45 * rate && pitchHeight(pitch, rate) > 0.06)) {
      const y = Math.round(picture * (1 - pitchHeight(pitch, rate))) + 0.5;
      const said = pitch < 1000 ? `${pitch} Hz` : `${pitch / 1000} kHz`;
      context.strokeText(said, 12, y); // readable on whatever lies behind
      context.fillText(said, 12, y);
      context.fillRect(0, y - 0.5, 7, 1);
    }
    context.fillStyle = ink("muted");
    context.textAlign = "center";
    for (const time of marks(0, long, Math.max(3, Math.round(width / 110)))) {
      const x = (time / long) * width;
      if (x > 12 && x < width - 22) context.fillText(`${time} s`, x, height - AXIS / 2 + 1);
    }
  }

  #drawWaveform() {
    const { context, width, height } = begin($("waveform"));
    if (!this.current) return;
    const { samples } = this.current;
    const [middle, columns] = [height / 2, Math.floor(width)];
    context.fillStyle = ink("line");
    context.fillRect(0, middle - 0.5, width, 1);
    context.fillStyle = this.colourOf(this.current);
    for (let x = 0; x < columns; x++) {
      let [low, high] = [0, 0];
      const end = Math.floor(((x + 1) / columns) * samples.length);
      for (let i = Math.floor((x / columns) * samples.length); i < end; i++) {
        low = Math.min(low, samples[i]);
        high = Math.max(high, samples[i]);
      }
      const top = middle - high * middle * 0.96;
      context.fillRect(x, top, 1, Math.max(1, middle - low * middle * 0.96 - top));
    }
  }

  #drawTiles() {
    const colours = spectrogramColours();
    const tiles = this.sounds.map((sound) => {
      const tile = document.createElement("button");
      Object.assign(tile, { type: "button", className: "tile", title: sound.title });
      tile.dataset.id = sound.id;
      tile.setAttribute("role", "option");
      tile.setAttribute("aria-selected", sound.id === this.current?.id);
      const canvas = thumbnail(sound, colours);
      const name = document.createElement("span");
      name.textContent = short(sound);
      name.style.setProperty("--dot", this.colourOf(sound));
      tile.append(canvas, name);
      tile.addEventListener("click", () => {
        this.show(sound);
        this.play();
      });
      return tile;
    });
    $("tiles").replaceChildren(...tiles);
  }

  #follow() {
    const head = $("playhead");
    const playing = this.player.sound;
    $("play").textContent = "Stop";
    if (playing !== this.current) return;
    head.hidden = false;
    const move = () => {
      if (this.player.sound !== playing || playing !== this.current) {
        head.hidden = true;
        return;
      }
      const share = Math.min(1, this.player.position / seconds(playing));
      head.style.transform = `translateX(${share * $("scope").clientWidth}px)`;
      requestAnimationFrame(move);
    };
    move();
  }

  #stopped() {
    $("play").textContent = "Play";
    $("playhead").hidden = true;
  }
}

const thumbnails = new WeakMap(); // of sounds, in the theme that was there

// A small picture of a sound.
export function thumbnail(sound, colours = spectrogramColours()) {
  const [made, dark] = [thumbnails.get(sound), theme.dark()];
  if (made?.dark === dark) return made.canvas;
  const canvas = document.createElement("canvas");
  thumbnails.set(sound, { dark, canvas });
  [canvas.width, canvas.height] = [96, 56];
  canvas.setAttribute("aria-hidden", "true");
  paint(canvas.getContext("2d"), sound, colours, [0, 0, 96, 56], [64, 40]);
  return canvas;
}

function short(sound) {
  if (sound.file !== undefined) return `like · ${sound.seed}`;
  if (sound.position !== undefined) return `${Math.round(100 * sound.position)} %`;
  if (sound.near !== undefined) return sound.near_label ?? "map";
  return sound.label ?? sound.title;
}
