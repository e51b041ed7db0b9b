// Notes down every sound that the page lets the browser play, with what it is connected to.
{
  const { start, connect } = AudioBufferSourceNode.prototype;
  globalThis.started = [];
  AudioBufferSourceNode.prototype.start = function (...given) {
    globalThis.started.push({ loop: this.loop, samples: this.buffer.length, node: this });
    return start.apply(this, given);
  };
  AudioBufferSourceNode.prototype.connect = function (target, ...more) {
    this.heard = target;
    return connect.call(this, target, ...more);
  };
}
