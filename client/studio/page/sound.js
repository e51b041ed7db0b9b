// A sound as the page keeps it: its samples, and what the endpoint said of it.

import { bytesOf, read } from "./wav.js";

let number = 0;

// `said` is the endpoint's answer, or {wav} of any other sound; `more` adds to it.
export function sound(said, more = {}) {
  const { samples, rate } = read(bytesOf(said.wav));
  const kept = { ...said, ...more, id: said.id ?? `${Date.now()}-${number++}`, samples, rate };
  return { ...kept, title: kept.title ?? titled(kept) };
}

// What is worth keeping of it: the samples are in `wav` as well.
export function kept({ samples, rate, ...rest }) {
  return rest;
}

export const seconds = ({ samples, rate }) => samples.length / rate;

function titled(said) {
  if (said.file !== undefined) return `like ${said.file} · seed ${said.seed}`;
  if (said.position !== undefined) return `${said.from} → ${said.to} · ${Math.round(100 * said.position)} %`;
  if (said.near !== undefined) return `near ${said.near}`;
  return [said.label, said.seed !== undefined && `seed ${said.seed}`].filter(Boolean).join(" · ") || "a sound";
}
