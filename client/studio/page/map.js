// The training sounds in two dimensions; a place on the map is a sound.

import { begin, redraw } from "./canvas.js";
import { ink, labelColour } from "./colours.js";
import { sounds as ask } from "./server.js";
import { sound } from "./sound.js";

const MARGIN = 24; // pixels between the outermost points and the edge
const COARSE = 8; // pixels of the screen in one of the glow's, which is smooth as it is stretched
const GLOW = 45; // of all sounds together
const STEP = 0.04; // that an arrow key moves the place
const MOST_NAMED = 30; // labels whose names stand on the map
const RIPPLE = 500; // milliseconds
const $ = (id) => document.getElementById(id);

export class SoundMap extends EventTarget {
  #points = []; // [x, y, label, name]
  #labels = [];
  #bounds = [[-1, 1], [-1, 1]]; // lowest and highest x and y of a point
  #place = null; // that was played last, or that the arrow keys moved to
  #hover = null; // number of the point that the mouse is nearest to
  #only = null; // label that is looked at
  #asking = false;
  #next = null; // place that was chosen while the endpoint worked
  #rippled = 0;

  constructor(working) {
    super();
    this.working = working;
    this.canvas = $("map");
    redraw(this.canvas, () => this.#draw());
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.play(this.#placeOf(event));
    });
    this.canvas.addEventListener("pointermove", (event) => {
      this.#look(this.#placeOf(event));
      if (this.canvas.hasPointerCapture(event.pointerId)) this.play(this.#placeOf(event));
    });
    this.canvas.addEventListener("pointerleave", () => this.#look(null));
    this.canvas.addEventListener("keydown", (event) => this.#key(event));
  }

  // Shows a map, or the sentence that says why there is none.
  use(map, sentence) {
    [this.#points, this.#labels] = map ? [map.points, map.labels] : [[], []];
    const spread = (values) => [Math.min(...values), Math.max(...values)];
    this.#bounds = [0, 1].map((axis) => spread(this.#points.map((point) => point[axis])));
    [this.#place, this.#hover, this.#only] = [null, null, null];
    this.canvas.hidden = $("map-note").hidden = !map;
    $("map-empty").hidden = Boolean(map);
    $("map-empty").textContent = sentence;
    $("map-near").textContent = "";
    this.#draw();
  }

  // Lets the sounds of one label stand out; of all if null.
  lookAt(label) {
    const number = this.#labels.indexOf(label);
    this.#only = number < 0 ? null : number;
    this.#draw();
  }

  // Asks for the sound of a place; of places chosen meanwhile only the last one counts.
  async play(place) {
    if (!this.#points.length) return;
    this.#place = place;
    this.#rippled = performance.now();
    this.#ripple();
    this.#next = place;
    if (this.#asking) return;
    this.#asking = true;
    while (this.#next) {
      const at = this.#next;
      this.#next = null;
      const made = await this.working(() => ask({ at: at.map((v) => Math.round(1e4 * v) / 1e4) }));
      if (!made) break;
      $("map-near").textContent = `near ${made[0].near}`;
      this.dispatchEvent(new CustomEvent("made", { detail: sound(made[0]) }));
    }
    this.#asking = false;
  }

  #key(event) {
    const moves = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] };
    const move = moves[event.key];
    if (move) {
      const [x, y] = this.#place ?? [0, 0];
      this.#place = [x + move[0], y + move[1]].map((v) => Math.max(-1, Math.min(1, v)));
      this.#look(this.#place);
    } else if (event.key === "Enter") this.play(this.#place ?? [0, 0]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // The sounds fill the canvas: the map's axes have no unit. Where 0, 0 lies, and how many pixels
  // 1 has to the right and up.
  #scale() {
    const across = (axis, pixels) => {
      const [low, high] = this.#bounds[axis];
      const scale = (pixels - 2 * MARGIN) / Math.max(high - low, 1e-6);
      return [MARGIN - low * scale, scale];
    };
    const [x, right] = across(0, this.canvas.clientWidth);
    const [y, up] = across(1, this.canvas.clientHeight);
    return [x, this.canvas.clientHeight - y, right, up];
  }

  #placeOf(event) {
    const [x, y, right, up] = this.#scale();
    const box = this.canvas.getBoundingClientRect();
    const place = [(event.clientX - box.left - x) / right, (y - event.clientY + box.top) / up];
    return place.map((v) => Math.max(-1, Math.min(1, v)));
  }

  #look(place) {
    this.#hover = place && this.#nearest(place);
    if (place && this.#hover !== null) $("map-near").textContent = `near ${this.#points[this.#hover][3]}`;
    this.#draw();
  }

  #nearest([x, y]) {
    let [best, least] = [null, Infinity];
    this.#points.forEach(([px, py], number) => {
      const distance = (px - x) ** 2 + (py - y) ** 2;
      if (distance < least) [best, least] = [number, distance];
    });
    return best;
  }

  #ripple() {
    this.#draw();
    if (performance.now() - this.#rippled < RIPPLE) requestAnimationFrame(() => this.#ripple());
  }

  #draw() {
    if (this.canvas.hidden) return;
    const { context, width } = begin(this.canvas);
    const [x0, y0, right, up] = this.#scale();
    const [count, size] = [this.#labels.length, Math.max(1.6, Math.min(3, width / 170))];
    const faint = (label) => this.#only !== null && label !== this.#only;
    const at = ([x, y]) => [x0 + x * right, y0 - y * up];
    const dot = ([x, y], radius) => {
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
    };
    this.#drawGlow(context, at, faint);
    for (const point of this.#points) {
      context.fillStyle = labelColour(point[2], count, faint(point[2]) ? 0.15 : 0.85);
      dot(at(point), size);
      context.fill();
    }
    this.#drawNames(context, at);
    if (this.#hover !== null) {
      context.strokeStyle = ink("ink");
      context.lineWidth = 1.5;
      dot(at(this.#points[this.#hover]), size + 3);
      context.stroke();
    }
    if (!this.#place) return;
    const age = Math.min(1, (performance.now() - this.#rippled) / RIPPLE);
    context.strokeStyle = ink("ink");
    context.lineWidth = 2;
    dot(at(this.#place), 7);
    context.stroke();
    context.globalAlpha = 1 - age;
    dot(at(this.#place), 7 + 30 * age);
    context.stroke();
    context.globalAlpha = 1;
  }

  // Light where many sounds of a label are.
  #drawGlow(context, at, faint) {
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    const coarse = new OffscreenCanvas(Math.ceil((width + 1) / COARSE), Math.ceil((height + 1) / COARSE));
    const glow = coarse.getContext("2d");
    glow.scale(1 / COARSE, 1 / COARSE);
    const strength = Math.min(0.2, GLOW / this.#points.length); // of one among many
    for (const point of this.#points) {
      if (faint(point[2])) continue;
      glow.fillStyle = labelColour(point[2], this.#labels.length, strength);
      for (const radius of [1.3 * COARSE, 2.4 * COARSE]) {
        glow.beginPath();
        glow.arc(...at(point), radius, 0, 2 * Math.PI);
        glow.fill();
      }
    }
    context.imageSmoothingQuality = "high";
    context.drawImage(coarse, 0, 0, coarse.width * COARSE, coarse.height * COARSE);
  }

  // Each label's name in the middle of its sounds.
  #drawNames(context, at) {
    if (this.#labels.length > MOST_NAMED) return;
    context.font = `600 13px ${getComputedStyle(this.canvas).fontFamily}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    this.#labels.forEach((label, number) => {
      const its = this.#points.filter((point) => point[2] === number);
      if (!its.length) return;
      const [x, y] = at([0, 1].map((axis) => median(its.map((point) => point[axis]))));
      context.globalAlpha = this.#only === null || this.#only === number ? 1 : 0.25;
      context.strokeStyle = ink("sunken");
      context.lineWidth = 5;
      context.strokeText(label, x, y);
      context.fillStyle = ink("ink");
      context.fillText(label, x, y);
    });
    context.globalAlpha = 1;
  }
}

function median(values) {
  return values.sort((a, b) => a - b)[values.length >> 1];
}
