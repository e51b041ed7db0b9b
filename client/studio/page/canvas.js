// A canvas with as many pixels as the screen shows of it.

const listeners = new Map();
const observer = new ResizeObserver((entries) => entries.forEach((entry) => listeners.get(entry.target)?.()));

// Clears the canvas; gives its context and its size in CSS pixels.
export function begin(canvas) {
  const scale = Math.min(globalThis.devicePixelRatio || 1, 3);
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  context.font = `12px ${getComputedStyle(canvas).fontFamily}`;
  return { context, width, height };
}

// Calls `draw` now, and again whenever the canvas gets another size or the page another theme.
export function redraw(canvas, draw) {
  listeners.set(canvas, draw);
  observer.observe(canvas);
  document.addEventListener("theme", draw);
  draw();
}

// "Nice" values between two numbers for the marks of an axis: steps of 1, 2 or 5 times a power of ten.
export function marks(low, high, most) {
  const rough = (high - low) / most || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(10)));
}
