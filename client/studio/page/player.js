// Plays one sound at a time, and says when it begins and ends.

const FADE = 0.008; // seconds: a sound that is cut off would click

export class Player extends EventTarget {
  #context = null;
  #source = null;
  #gain = null;
  #started = 0;
  sound = null; // that plays

  // Made at the first sound: browsers let no page sound before somebody has touched it.
  get context() {
    this.#context ??= new AudioContext();
    if (this.#context.state === "suspended") this.#context.resume();
    return this.#context;
  }

  buffer({ samples, rate }) {
    const buffer = this.context.createBuffer(1, samples.length, rate);
    buffer.copyToChannel(samples, 0);
    return buffer;
  }

  play(sound) {
    this.stop();
    const source = new AudioBufferSourceNode(this.context, { buffer: this.buffer(sound) });
    this.#gain = new GainNode(this.context);
    source.connect(this.#gain).connect(this.context.destination);
    source.onended = () => this.#source === source && this.#end();
    source.start();
    [this.#source, this.#started, this.sound] = [source, this.context.currentTime, sound];
    this.dispatchEvent(new CustomEvent("begin", { detail: sound }));
  }

  stop() {
    if (!this.#source) return;
    const now = this.context.currentTime;
    this.#gain.gain.setValueAtTime(1, now);
    this.#gain.gain.linearRampToValueAtTime(0, now + FADE);
    this.#source.stop(now + FADE);
    this.#end();
  }

  // Seconds since the sound began.
  get position() {
    return this.#source ? this.context.currentTime - this.#started : 0;
  }

  #end() {
    this.#source = this.sound = null;
    this.dispatchEvent(new Event("end"));
  }
}
