// A sound's picture: time to the right, pitch upwards on the mel scale, loudness as colour.

import { powerSpectrum } from "./fft.js";

const WINDOW_SECONDS = 0.03;
const RANGE_DB = 65; // what is this far below the loudest place is drawn as silence
const PADDING = 2; // zeros beside the window, so that low pitches have no steps

// The mel scale of O'Shaughnessy (1987): equal steps sound alike.
const mel = (hertz) => 2595 * Math.log10(1 + hertz / 700);
const hertz = (mels) => 700 * (10 ** (mels / 2595) - 1);

// Where a pitch lies: 0 at the bottom, 1 at half the rate.
export const height = (pitch, rate) => mel(pitch) / mel(rate / 2);

// Loudness 0..255 as rows * columns bytes, the top row first.
export function spectrogram({ samples, rate }, columns, rows) {
  const window = 2 ** Math.round(Math.log2(WINDOW_SECONDS * rate));
  const hann = Float32Array.from({ length: window }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / window));
  const bins = Array.from({ length: rows }, (_, row) => (hertz(mel(rate / 2) * (1 - (row + 0.5) / rows)) / rate) * window * PADDING);
  const decibels = new Float32Array(rows * columns);
  let loudest = -Infinity;
  for (let column = 0; column < columns; column++) {
    const start = Math.round(((column + 0.5) / columns) * samples.length - window / 2);
    const part = new Float32Array(window * PADDING);
    for (let i = 0; i < window; i++) part[i] = (samples[start + i] ?? 0) * hann[i];
    const power = powerSpectrum(part);
    bins.forEach((bin, row) => {
      const low = Math.min(Math.floor(bin), power.length - 2);
      const value = power[low] + (power[low + 1] - power[low]) * (bin - low);
      const loudness = 10 * Math.log10(value + 1e-12);
      decibels[row * columns + column] = loudness;
      loudest = Math.max(loudest, loudness);
    });
  }
  return Uint8ClampedArray.from(decibels, (value) => 255 * (1 + (value - loudest) / RANGE_DB));
}

// Puts the picture onto a part of a canvas.
export function paint(context, sound, colours, [x, y, width, height], [columns, rows]) {
  const values = spectrogram(sound, columns, rows);
  const image = new ImageData(columns, rows);
  values.forEach((value, i) => {
    const [red, green, blue] = colours[value];
    image.data.set([red, green, blue, 255], 4 * i);
  });
  const small = new OffscreenCanvas(columns, rows);
  small.getContext("2d").putImageData(image, 0, 0);
  context.imageSmoothingQuality = "high";
  context.drawImage(small, x, y, width, height);
}
