// A sound file of the user's as a WAV file that fits into a request.

import { write } from "./wav.js";

const MOST_BYTES = 2_900_000; // as base64 in a request of 4 MB
const MARGIN = 0.1; // seconds kept beyond a clip, as the model begins where the sound does
const QUIET = 0.02; // of the peak: what comes before is no sound
const USUAL_RATE = 44_100; // Hz, where the model's is not known
const USUAL_SECONDS = 10;

export class Unreadable extends Error {}

// WAV files go as they are; the browser decodes others, at the model's rate and from their onset on.
export async function asWav(file, rate, clipSamples) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const text = String.fromCharCode(...bytes.subarray(0, 4));
  if (text === "RIFF" && bytes.length <= MOST_BYTES) return bytes;
  const hertz = Math.max(rate ?? USUAL_RATE, 8000); // that every browser can decode to
  const seconds = clipSamples && rate ? clipSamples / rate + MARGIN : USUAL_SECONDS;
  let decoded;
  try {
    decoded = await new OfflineAudioContext(1, 1, hertz).decodeAudioData(bytes.buffer);
  } catch {
    throw new Unreadable(`${file.name} is no sound that this browser can read: drop a WAV, FLAC, MP3 or OGG file.`);
  }
  const mono = mixed(decoded);
  const peak = mono.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const onset = Math.max(0, mono.findIndex((value) => Math.abs(value) > QUIET * peak));
  const most = Math.min(Math.round(seconds * hertz), MOST_BYTES >> 1);
  return write(mono.subarray(onset, onset + most), hertz);
}

function mixed(buffer) {
  const sum = new Float32Array(buffer.length);
  for (let channel = 0; channel < buffer.numberOfChannels; channel++) {
    buffer.getChannelData(channel).forEach((value, i) => (sum[i] += value / buffer.numberOfChannels));
  }
  return sum;
}
