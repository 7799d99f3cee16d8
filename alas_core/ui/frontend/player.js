// Plays the sound, or exactly one span of it, and draws its waveform: wavesurfer.js on a lane that
// lies on the sheet's time axis.
//
// Its Web Audio backend, since a word must begin and end where it does: measured in Chromium, an
// <audio> element stops 1 to 25 ms late and cannot go back in a FLAC file. That backend plays
// faster by playing higher; so another speed is another sound (stretch.js), shorter or longer,
// and times are divided by the speed on the way in.

const SPEEDS = [0.25, 0.4, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2]; // keys 1 to 9

class Player {
  constructor(lane, onChange, onTrouble) {
    Object.assign(this, { lane, onChange, onTrouble });
    this.speed = 1;
    this.loop = false;
    this.from = 0;
    this.to = Infinity;
    this.again = 0; // where a loop goes back to: before `from` after a pause
    this.paused = false; // by the reader, in the middle
    this.sounding = false;
    this.at = 0; // seconds; where playing goes on while there is no player
    this.ready = Promise.resolve();
  }

  setSound(WaveSurfer, sound) {
    Object.assign(this, { WaveSurfer, sound, paused: false });
    this.load(0);
    this.onChange();
  }

  get duration() {
    return this.sound?.duration ?? 0;
  }

  get playing() {
    return this.sounding;
  }

  get time() {
    return this.surfer ? this.surfer.getCurrentTime() * this.speed : this.at;
  }

  // Where playing goes on if nobody says where: at the end, from the start.
  get next() {
    return this.time >= this.duration - 0.01 ? 0 : this.time;
  }

  // A player anew for each sound and speed: one that is given another sound may still play the
  // one before until it has unpacked it.
  load(at) {
    this.close();
    this.at = at;
    const { sound, speed } = this;
    const loading = (this.loading = Symbol("loading"));
    this.ready = sound ? this.open(sound, speed, loading) : Promise.resolve();
    this.ready.catch(() => {}); // told when it is played
  }

  async open(sound, speed, loading) {
    const blob = speed === 1 ? new Blob([sound.bytes], { type: "audio/flac" }) : await this.slowed(speed);
    if (this.loading !== loading) return; // closed, or loaded anew, while the sound was stretched
    const surfer = this.WaveSurfer.create({
      container: this.lane, backend: "WebAudio", height: "auto", normalize: true, interact: false,
      cursorWidth: 0, hideScrollbar: true, autoScroll: false, autoCenter: false,
      waveColor: sound.colour, progressColor: sound.colour,
    });
    this.surfer = surfer;
    await surfer.loadBlob(blob, sound.peaks);
    if (this.surfer !== surfer) return;
    surfer.setTime(this.at / speed);
    surfer.on("pause", () => this.rest());
    surfer.on("finish", () => this.rest());
    this.lay();
  }

  async slowed(speed) {
    const { bytes, sampleRate } = this.sound;
    const decoder = new OfflineAudioContext(1, 1, sampleRate);
    this.sound.samples ??= (await decoder.decodeAudioData(bytes.slice().buffer)).getChannelData(0);
    return wavFile(stretch(this.sound.samples, sampleRate, speed), sampleRate);
  }

  // Only after a click or key: browsers keep silent before one.
  play(...span) {
    return this.begin(...span).catch((error) => this.onTrouble(error));
  }

  async begin(from = this.next, to = this.duration, again = from) {
    if (!this.sound) return;
    const wish = (this.wish = Symbol("wish"));
    await this.ready;
    if (this.wish !== wish) return; // another click came while the sound was unpacked
    this.sounding = false; // the end of what is playing now is nobody's rest
    this.surfer.pause();
    if (from >= Math.min(to, this.duration)) return this.onChange(); // the sound ends before it
    this.from = from;
    this.to = Math.min(to, this.duration);
    this.again = Math.min(again, this.from);
    this.paused = false;
    await this.surfer.play(this.from / this.speed, this.to / this.speed);
    this.sounding = this.wish === wish;
    this.onChange();
  }

  // On from where it was paused, to the end of what was being played.
  resume() {
    return this.paused && this.time < this.to - 0.01 ? this.play(this.time, this.to, this.again) : this.play();
  }

  pause() {
    this.wish = null;
    if (!this.sounding) return;
    this.sounding = false;
    this.paused = true;
    this.surfer.pause();
    this.onChange();
  }

  // The span is over: again, or back to where it began.
  rest() {
    if (!this.sounding) return;
    this.sounding = false;
    if (this.loop) {
      this.play(this.again, this.to);
      return;
    }
    const { surfer, speed } = this;
    const back = this.to >= this.duration ? 0 : this.again;
    queueMicrotask(() => { // after wavesurfer has noted where it stopped
      if (this.sounding || this.surfer !== surfer) return;
      surfer.setTime(back / speed);
      this.onChange();
    });
  }

  setSpeed(speed) {
    if (speed === this.speed || !this.sound) return;
    const { time, sounding, to, again } = this;
    this.speed = speed;
    this.load(time);
    if (sounding) this.play(time, to, again);
  }

  // Where the lane lies: pixels a second, and the second at its left edge.
  lay(scale = this.scale, start = this.start) {
    Object.assign(this, { scale, start });
    if (!this.surfer?.getDecodedData() || !scale) return;
    this.surfer.zoom(scale * this.speed);
    this.surfer.setScroll(start * scale);
  }

  close() {
    this.wish = this.loading = null;
    this.sounding = false;
    this.surfer?.destroy();
    this.surfer = null;
  }
}
