// Plays the sound, or exactly one span of it, and says where it is.

class Player {
  constructor(onChange) {
    this.onChange = onChange;
    this.context = null;
    this.buffer = null;
    this.source = null;
    this.at = 0; // seconds; where playing goes on
    this.paused = false; // by the reader, in the middle
  }

  setSound(bytes) {
    this.stop();
    this.bytes = bytes;
    this.buffer = null;
    this.at = 0;
    this.paused = false;
  }

  get playing() {
    return this.source !== null;
  }

  get time() {
    if (!this.playing) return this.at;
    const now = this.from + (this.context.currentTime - this.started);
    return Math.min(Math.max(now, this.from), this.to);
  }

  // Only from a click or key: browsers keep silent before one.
  async play(from = this.at, to = Infinity) {
    if (!this.bytes) return;
    const wish = (this.wish = Symbol("wish"));
    this.context ??= new AudioContext();
    await this.context.resume();
    this.buffer ??= await this.context.decodeAudioData(this.bytes.slice().buffer);
    if (this.wish !== wish) return; // another click came while the sound was unpacked
    this.halt();
    this.from = from >= this.buffer.duration - 0.01 ? 0 : from;
    this.to = Math.min(to, this.buffer.duration);
    this.source = this.context.createBufferSource();
    this.source.buffer = this.buffer;
    this.source.connect(this.context.destination);
    this.source.onended = () => this.finish();
    this.paused = false;
    this.started = this.context.currentTime;
    this.source.start(0, this.from, this.to - this.from);
    this.onChange();
  }

  pause() {
    this.wish = null;
    const { time } = this;
    this.halt();
    this.at = time;
    this.paused = true;
    this.onChange();
  }

  finish() {
    this.at = this.to >= this.buffer.duration ? 0 : this.from;
    this.source = null;
    this.onChange();
  }

  halt() {
    if (!this.source) return;
    this.source.onended = null;
    this.source.stop();
    this.source = null;
  }

  stop() {
    this.wish = null;
    this.halt();
    this.onChange();
  }

  close() {
    this.halt();
    this.context?.close();
  }
}
