// WAV files as the endpoint makes them, 16 bits and one channel, to samples in -1..1 and back.

const FULL_SCALE = 32768;
const HEADER = 44; // bytes

export function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

export function base64Of(bytes) {
  let text = "";
  for (let start = 0; start < bytes.length; start += FULL_SCALE) {
    text += String.fromCharCode(...bytes.subarray(start, start + FULL_SCALE));
  }
  return btoa(text);
}

// Throws a RangeError when it is no such file.
export function read(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const name = (at) => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (name(0) !== "RIFF" || name(8) !== "WAVE") throw new RangeError("no WAV file");
  let rate = 0;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const size = view.getUint32(at + 4, true);
    if (name(at) === "fmt ") {
      const [kind, channels, bits] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true), view.getUint16(at + 22, true)];
      if (kind !== 1 || channels !== 1 || bits !== 16) throw new RangeError("no 16-bit mono WAV file");
      rate = view.getUint32(at + 12, true);
    } else if (name(at) === "data" && rate) {
      const samples = new Float32Array(Math.floor(Math.min(size, bytes.length - at - 8) / 2));
      for (let i = 0; i < samples.length; i++) samples[i] = view.getInt16(at + 8 + 2 * i, true) / FULL_SCALE;
      return { samples, rate };
    }
    at += 8 + size + (size % 2);
  }
  throw new RangeError("a WAV file without sound");
}

export function write(samples, rate) {
  const bytes = new Uint8Array(HEADER + 2 * samples.length);
  const view = new DataView(bytes.buffer);
  const text = (at, word) => [...word].forEach((character, i) => view.setUint8(at + i, character.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, bytes.length - 8, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((value, i) => view.setInt16(HEADER + 2 * i, Math.max(-1, Math.min(1, value)) * (FULL_SCALE - 1), true));
  return bytes;
}
