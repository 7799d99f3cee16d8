// The sheet on the page: figure, transcript, player, keyboard. Python made all looks and numbers;
// this follows the reader's choice at once and tells Python, so that the other views follow.

const TELL_AFTER_MS = 3000; // of rest: a run of the page costs the browser three times a drawing
const FETCH_AFTER_MS = 100; // where another layer's similarity has yet to come, this is asked for it
const PATIENCE_MS = TELL_AFTER_MS + 4000;
const TURNS_AWAY = ["pointerover", "pointerdown", "focusin", "wheel"];
// Those that share the selection and the keys.
const VIEWS = ".alas-sheet, .alas-linked, .alas-lens, .alas-chart[data-analysis]";
const REST_MS = 150; // how long the mouse rests on a word before it is heard

class SheetView {
  constructor(parent) {
    this.root = parent.querySelector(".alas-sheet");
    this.sent = 0;
    this.chosenAt = -Infinity;
    this.bar = buildBar({
      play: () => this.togglePlay(),
      speed: (speed) => this.setSpeed(speed),
      loop: (on) => { this.player.loop = on; },
      zoom: (factor) => this.zoom(factor),
      layer: (layer) => this.choose({ layer }),
      save: () => this.saveImage(),
    });
    this.words = new WordRow((word, byMouse) => this.chooseWord(word, byMouse), (word) => this.hoverWord(word));
    this.line = element("div", { class: "alas-line" });
    this.playhead = element("div", { class: "alas-playhead", hidden: "" });
    this.lane = element("div", { class: "alas-lane", "aria-hidden": "true" });
    this.plot = element("div", { class: "alas-figure" });
    this.stage = element("div", { class: "alas-stage" }, this.plot, this.lane, this.playhead);
    this.status = element("div", { class: "alas-status", role: "status", "aria-live": "polite" });
    const help = element("div", { class: "alas-keys" }, KEYS);
    this.root.replaceChildren(...this.bar.rows, this.words.node, this.line, this.stage, help, this.status);
    this.player = new Player(this.lane, () => this.showPlaying(), (error) => this.cannotPlay(error));
    this.keys = new SheetKeys(this);
    this.onTurnAway = (event) => this.turnAway(event);
    for (const kind of TURNS_AWAY) document.addEventListener(kind, this.onTurnAway, { capture: true, passive: true });
    window.addEventListener("blur", this.onTurnAway);
    this.watcher = new ResizeObserver(() => this.onResize());
    this.watcher.observe(this.stage);
  }

  async update(data) {
    this.wanted = data.id;
    try {
      const parts = [get("plotly"), get("wavesurfer"), get(data.id)];
      const [Plotly, WaveSurfer, sheet] = await Promise.all(parts);
      this.WaveSurfer = WaveSurfer;
      if (!this.closed && this.wanted === data.id) await this.take(data, sheet, Plotly);
    } catch (error) {
      this.stage.textContent = `This browser cannot draw the sheet: ${error.message}`;
      throw error;
    }
  }

  async take(data, sheet, Plotly) {
    this.root.dataset.live = this.live = data.live ?? false;
    const fresh = sheet !== this.sheet;
    const same = sheet.analysis === this.sheet?.analysis;
    if (fresh) this.setSheet(sheet, Plotly);
    // Until Python has heard of the reader's last choice, what it sends is older than the screen.
    const waited = performance.now() - this.chosenAt;
    const stale = same && data.seen < this.sent && waited < PATIENCE_MS;
    this.sent = Math.max(this.sent, data.seen);
    const { layer, word, frame, token } = data;
    if (!stale) this.selection.follow({ layer, word, frame, token });
    if (fresh || !stale) await this.show(fresh);
    this.root.dataset.ready = data.id;
    if (data.awaited && !this.announced) this.announce(this.announced = true);
  }

  get choice() {
    return this.selection.state;
  }

  setSheet(sheet, Plotly) {
    const sameSound = this.sheet?.sound === sheet.sound;
    const sameColour = this.sheet?.lane?.colour === sheet.lane?.colour;
    this.sheet = sheet;
    const { xaxis, yaxis5, margin } = sheet.figure.layout;
    this.stage.style.setProperty("--alas-top", `${margin.t}px`);
    this.stage.style.setProperty("--alas-bottom", `${margin.b}px`);
    sheet.ranges ??= { xaxis: [...xaxis.range], yaxis5: [...yaxis5.range] };
    if (!sameSound || !sameColour) this.player.setSound(this.WaveSurfer, soundOf(sheet));
    this.bar.play.disabled = !sheet.lane;
    this.bar.slider.max = sheet.verdicts.length - 1;
    this.figure ??= new SheetFigure(this.plot, Plotly);
    this.figure.setFigure(sheet);
    if (this.words.build(sheet.chips)) this.root.focus({ preventScroll: true });
    this.listenTo(selection(sheet.analysis));
  }

  listenTo(chosen) {
    if (this.selection === chosen) return;
    this.leave?.();
    this.selection = chosen;
    this.leave = chosen.subscribe((state, event) => this.onSelection(event));
  }

  choose(change, hear = false) {
    this.selection?.pick(change, hear);
  }

  chooseWord(word, byMouse) {
    this.choose({ word, token: null }, true);
    // After a mouse's click the keys are the sheet's, else space would press the word again.
    if (byMouse) this.root.focus({ preventScroll: true });
  }

  // A choice of the reader, here or in another view: shown at once, told to Python when it rests.
  onSelection({ change, picked, hear, stir }) {
    if (stir) return;
    this.show();
    if (change.word !== undefined || change.frame !== undefined) this.scrollToChoice();
    if (!picked) return;
    if (hear && this.bar.hear.checked) this.playChoice();
    if (!this.live) return; // another picture is on its way: this choice is none of its words
    this.sent += 1;
    this.chosenAt = performance.now();
    clearTimeout(this.telling);
    const here = this.sheet.tensors.similarity || this.sheet.drawn_layer === this.choice.layer;
    this.telling = setTimeout(() => this.tellNow(), here ? TELL_AFTER_MS : FETCH_AFTER_MS);
  }

  tellNow() {
    clearTimeout(this.telling);
    this.telling = null;
    if (!this.live) return;
    const { playhead, range, ...choice } = this.choice;
    this.tell({ ...choice, analysis: this.sheet.analysis, nonce: this.sent });
  }

  // While hand and eye are on the linked views, which follow by themselves, Python is left alone;
  // what it draws is made to fit as soon as the reader turns to it.
  turnAway({ type, target }) {
    if (!this.telling) return;
    const within = target.closest?.(VIEWS);
    if (type === "wheel" || !within) this.tellNow();
  }

  show(fresh = false) {
    const { layer, word, frame, token } = this.choice;
    const { chips, verdicts } = this.sheet;
    const key = [layer, word, frame, token].map((part) => part ?? "").join("/");
    if (!fresh && key === this.shown) return this.figure.drawn;
    this.shown = key;
    this.bar.slider.value = layer;
    this.bar.slider.setAttribute("aria-valuetext", `layer ${layer}: ${verdicts[layer]}`);
    this.bar.layer.textContent = `${layer} of ${verdicts.length - 1} · ${verdicts[layer]}`;
    this.words.show(layer, word);
    const spoken = word === null ? "" : `, word ${chips[word].text} ${chips[word].values[layer]}`;
    this.status.textContent = `Layer ${layer}: ${verdicts[layer]}${spoken}`;
    this.writeLine();
    Object.assign(this.root.dataset, { layer, word: word ?? "" });
    return this.drawSoon();
  }

  // The chosen word in numbers, or why nothing is heard.
  writeLine() {
    const parts = this.silence ? [[this.silence]] : inNumbers(this.sheet, this.choice);
    this.line.replaceChildren(...parts.map(([text, kind = ""], place) =>
      element("span", { class: kind }, place ? ` · ${text}` : text)));
  }

  // At most one drawing a frame, however fast the keys repeat.
  drawSoon() {
    this.drawing ??= new Promise((resolve) => {
      requestAnimationFrame(() => {
        this.drawing = null;
        if (this.closed) return resolve();
        this.figure.follow(this.choice);
        this.figure.draw().then(() => {
          this.listen();
          this.layLane();
          this.root.dataset.drawn = this.shown;
          resolve();
        });
      });
    });
    return this.drawing;
  }

  listen() {
    if (this.listening || this.closed) return;
    this.listening = true;
    this.figure.on("plotly_click", (event) => this.onClick(this.figure.panelPlace(event.points[0])));
    this.figure.on("plotly_hover", (event) => this.onHover(this.figure.panelPlace(event.points[0])));
    this.figure.on("plotly_unhover", () => this.hoverWord(null));
    this.figure.on("plotly_doubleclick", () => this.zoom(0));
    this.figure.on("plotly_relayout", () => {
      this.figure.refit();
      this.layLane();
    });
  }

  onClick({ time, layer, token }) {
    this.root.focus({ preventScroll: true }); // so that the keys go on from here
    const change = { token };
    if (layer !== null) change.layer = layer;
    if (time !== null) {
      change.frame = this.frameAt(time);
      change.word = this.wordAt(time, change.frame);
    } else if (token !== null) {
      change.word = this.sheet.token_word[token];
    }
    if (change.word < 0) change.word = null; // silence, or a token of no word
    this.choose(change, change.word !== undefined);
  }

  onHover({ time }) {
    const word = time === null ? -1 : this.wordAt(time, null);
    this.hoverWord(word < 0 ? null : word);
  }

  hoverWord(word) {
    if (word === this.hovered) return;
    this.hovered = word;
    clearTimeout(this.resting);
    if (word === null || !this.bar.hover.checked) return;
    this.resting = setTimeout(() => this.playSpan(this.sheet.chips[word].span), REST_MS);
  }

  frameAt(time) {
    const cells = this.sheet.tensors.frame_cells.values; // drawn apart where frames share one span
    for (let i = 0; i < cells.length; i += 2) if (cells[i] <= time && time < cells[i + 1]) return i / 2;
    return null;
  }

  wordAt(time, frame) {
    const word = this.sheet.chips.findIndex(({ span }) => span && span[0] <= time && time < span[1]);
    return word >= 0 || frame === null ? word : this.sheet.frame_word[frame];
  }

  // The chosen word, or the chosen frame where no word is spoken.
  chosenSpan() {
    const { word, frame } = this.choice;
    if (word !== null) return this.sheet.chips[word].span;
    return frame === null ? null : this.sheet.tensors.frame_spans.values.subarray(2 * frame, 2 * frame + 2);
  }

  playChoice() {
    this.playSpan(this.chosenSpan());
  }

  playSpan(span) {
    if (span) this.player.play(span[0], span[1]);
  }

  togglePlay() {
    const looped = this.player.loop ? this.chosenSpan() : null;
    if (this.player.playing) this.player.pause();
    else if (looped) this.playSpan(looped);
    else this.player.resume();
  }

  toggleLoop() {
    this.player.loop = this.bar.loop.checked = !this.bar.loop.checked;
  }

  setSpeed(speed) {
    this.bar.speed.value = speed;
    this.player.setSpeed(speed);
    this.root.dataset.speed = speed;
  }

  cannotPlay(error) {
    this.silence = `This browser cannot play the sound: ${error.message}`;
    this.status.textContent = this.silence;
    this.writeLine();
  }

  showPlaying() {
    const { playing } = this.player;
    this.root.dataset.playing = playing ? `${this.player.from}-${this.player.to}` : "";
    this.bar.play.textContent = playing ? "Pause" : "Play";
    if (playing && this.silence) {
      this.silence = "";
      this.writeLine();
    }
    this.movePlayhead();
  }

  // Moves one line by a transform: Plotly does nothing while the sound runs.
  movePlayhead() {
    if (this.closed) return;
    const { time, playing } = this.player;
    const pixel = this.figure?.pixelOf(time) ?? null;
    this.playhead.hidden = pixel === null || !(playing || this.player.paused);
    if (pixel !== null) this.playhead.style.transform = `translateX(${pixel}px)`;
    const { duration } = this.player;
    this.bar.clock.textContent = duration ? `${time.toFixed(2)} / ${duration.toFixed(2)} s` : "no sound";
    this.selection?.move(playing || this.player.paused ? time : null);
    cancelAnimationFrame(this.frame);
    if (playing) this.frame = requestAnimationFrame(() => this.movePlayhead());
  }

  // 0 for all of it, or a factor for the seconds to be seen, around the chosen word.
  zoom(factor) {
    if (!this.figure) return;
    if (!factor) return this.figure.resetZoom();
    const [from, to] = this.figure.axis.range;
    const span = this.chosenSpan() ?? [from, to];
    this.figure.lookAt((span[0] + span[1]) / 2, (to - from) * factor);
  }

  // A zoomed sheet moves to what is chosen elsewhere, and so do the transcript's words.
  scrollToChoice() {
    const { word } = this.choice;
    if (word !== null) this.words.bring(word);
    const span = this.chosenSpan();
    if (!span || !this.figure.axis) return;
    const [from, to] = this.figure.axis.range;
    if (span[1] <= from || span[0] >= to) this.figure.lookAt((span[0] + span[1]) / 2, to - from);
  }

  layLane() {
    this.selection.look(this.figure.zoomed);
    const place = this.sheet.lane && this.figure.lanePlace(this.sheet.lane);
    this.lane.hidden = !place;
    if (place) {
      const { left, top, width, height, scale, start } = place;
      Object.assign(this.lane.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
      this.player.lay(scale, start);
    }
    this.movePlayhead();
  }

  onResize() {
    if (!this.listening || this.closed || this.stage.clientWidth === this.width) return;
    this.width = this.stage.clientWidth;
    this.words.fade();
    this.figure.Plotly.Plots.resize(this.plot).then(() => {
      this.figure.refit();
      this.layLane();
    });
  }

  saveImage() {
    const filename = `${this.sheet.filename}-${this.choice.layer}`;
    this.figure?.save({ format: "svg", filename });
  }

  close() {
    this.closed = true;
    this.leave?.();
    this.keys.close();
    for (const kind of TURNS_AWAY) document.removeEventListener(kind, this.onTurnAway, { capture: true });
    window.removeEventListener("blur", this.onTurnAway);
    clearTimeout(this.telling);
    clearTimeout(this.resting);
    cancelAnimationFrame(this.frame);
    this.watcher.disconnect();
    this.player.close();
    this.figure?.close();
  }
}

function soundOf({ lane, tensors }) {
  if (!lane) return null;
  const { shape, values } = tensors.peaks;
  const peaks = [0, 1].map((side) => Float32Array.from(values.subarray(side * shape[1], (side + 1) * shape[1])));
  return { ...lane, bytes: tensors.audio.values, peaks };
}

const views = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  if (!views.has(parentElement)) views.set(parentElement, new SheetView(parentElement));
  const view = views.get(parentElement);
  view.tell = (choice) => setTriggerValue("pick", choice);
  view.announce = () => setTriggerValue("drawn", true);
  if (data) view.update(data);
  return () => {
    view.close();
    views.delete(parentElement);
  };
}
