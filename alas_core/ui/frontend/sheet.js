// The sheet on the page: figure, transcript, player, keyboard. Python made all looks and numbers;
// this follows the reader's choice at once and tells Python, so that the other views follow.

const TELL_AFTER_MS = 120;
const PATIENCE_MS = 4000;

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

class SheetView {
  constructor(parent) {
    this.root = parent.querySelector(".alas-sheet");
    this.sent = 0;
    this.chosenAt = -Infinity;
    this.player = new Player(() => this.showPlaying());
    this.root.replaceChildren();
    this.buildBar();
    this.words = element("div", { class: "alas-words", role: "group", "aria-label": "Transcript" });
    this.playhead = element("div", { class: "alas-playhead", hidden: "" });
    this.plot = element("div", { class: "alas-figure" });
    this.stage = element("div", { class: "alas-stage" }, this.plot, this.playhead);
    this.status = element("div", { class: "alas-status", role: "status", "aria-live": "polite" });
    this.root.append(this.bar, this.words, this.stage, this.status);
    this.root.addEventListener("keydown", (event) => this.onKey(event));
    this.watcher = new ResizeObserver(() => this.onResize());
    this.watcher.observe(this.stage);
  }

  buildBar() {
    const button = (label, title, act) => {
      const node = element("button", { type: "button", title }, label);
      node.addEventListener("click", act);
      return node;
    };
    this.playButton = button("Play", "Play or pause (space)", () => this.togglePlay());
    this.clock = element("span", { class: "alas-clock", "aria-hidden": "true" });
    this.slider = element("input", { type: "range", min: 0, max: 0, step: 1, "aria-label": "Layer" });
    this.slider.addEventListener("input", () => this.choose({ layer: Number(this.slider.value) }));
    this.layerText = element("span", { class: "alas-layer" });
    this.hear = element("input", { type: "checkbox" });
    this.hear.checked = true;
    this.bar = element(
      "div", { class: "alas-bar" },
      this.playButton, this.clock,
      element("label", { class: "alas-slider" }, "Layer", this.slider), this.layerText,
      element("label", { title: "Play the word's span when it is chosen" }, this.hear, "Hear on click"),
      button("Reset zoom", "Undo the zoom (double click)", () => this.figure?.resetZoom()),
      button("SVG", "Save the sheet as an SVG file", () => this.saveImage()),
    );
  }

  async update(data) {
    this.wanted = data.id;
    try {
      const [Plotly, sheet] = await Promise.all([get("plotly"), get(data.id)]);
      if (!this.closed && this.wanted === data.id) await this.take(data, sheet, Plotly);
    } catch (error) {
      this.stage.textContent = `This browser cannot draw the sheet: ${error.message}`;
      throw error;
    }
  }

  async take(data, sheet, Plotly) {
    const fresh = sheet !== this.sheet;
    const same = sheet.analysis === this.sheet?.analysis;
    if (fresh) this.setSheet(sheet, Plotly);
    // Until Python has heard of the reader's last choice, what it sends is older than the screen.
    const waited = performance.now() - this.chosenAt;
    const stale = same && data.seen < this.sent && waited < PATIENCE_MS;
    this.sent = Math.max(this.sent, data.seen);
    if (!stale) this.selection.follow({ layer: data.layer, word: data.word });
    if (fresh || !stale) await this.show(fresh);
    this.root.dataset.ready = data.id;
  }

  get choice() {
    return this.selection.state;
  }

  setSheet(sheet, Plotly) {
    const sameSound = this.sheet?.sound === sheet.sound;
    this.sheet = sheet;
    const { xaxis, yaxis5, margin } = sheet.figure.layout;
    this.stage.style.setProperty("--alas-top", `${margin.t}px`);
    this.stage.style.setProperty("--alas-bottom", `${margin.b}px`);
    sheet.ranges ??= { xaxis: [...xaxis.range], yaxis5: [...yaxis5.range] };
    if (!sameSound) this.player.setSound(sheet.tensors.audio?.values);
    this.playButton.disabled = !sheet.tensors.audio;
    this.slider.max = sheet.verdicts.length - 1;
    this.figure ??= new SheetFigure(this.plot, Plotly);
    this.figure.setFigure(sheet);
    this.buildWords();
    this.listenTo(selection(sheet.analysis));
  }

  listenTo(chosen) {
    if (this.selection === chosen) return;
    this.leave?.();
    this.selection = chosen;
    this.leave = chosen.subscribe((state, event) => this.onSelection(event));
  }

  buildWords() {
    this.chips = this.sheet.chips.map((chip, index) => {
      const node = element("button", { type: "button", "aria-pressed": "false" });
      node.textContent = chip.text;
      if (!chip.span) node.classList.add("alas-unplaced");
      node.addEventListener("click", () => this.choose({ word: index, token: null }, true));
      return node;
    });
    this.words.replaceChildren(...this.chips);
  }

  choose(change, hear = false) {
    this.selection?.pick(change, hear);
  }

  // A choice of the reader, here or in another view: shown at once, told to Python a moment later.
  onSelection({ picked, hear, stir }) {
    if (stir) return;
    this.show();
    if (!picked) return;
    if (hear && this.hear.checked) this.playChoice();
    this.sent += 1;
    this.chosenAt = performance.now();
    clearTimeout(this.telling);
    const { playhead, ...choice } = this.choice;
    this.telling = setTimeout(() => this.tell({ ...choice, nonce: this.sent }), TELL_AFTER_MS);
  }

  show(fresh = false) {
    const { layer, word, frame, token } = this.choice;
    const { chips, verdicts } = this.sheet;
    const key = [layer, word, frame, token].map((part) => part ?? "").join("/");
    if (!fresh && key === this.shown) return this.figure.drawn;
    this.shown = key;
    this.slider.value = layer;
    this.slider.setAttribute("aria-valuetext", `layer ${layer}: ${verdicts[layer]}`);
    this.layerText.textContent = `${layer} of ${verdicts.length - 1} · ${verdicts[layer]}`;
    this.chips.forEach((node, index) => this.paintChip(node, chips[index], index === word));
    const spoken = word === null ? "" : `, word ${chips[word].text} ${chips[word].values[layer]}`;
    this.status.textContent = `Layer ${layer}: ${verdicts[layer]}${spoken}`;
    Object.assign(this.root.dataset, { layer, word: word ?? "" });
    return this.drawSoon();
  }

  paintChip(node, chip, chosen) {
    const { layer } = this.choice;
    node.style.setProperty("--score", chip.colours[layer] ?? "transparent");
    node.setAttribute("aria-pressed", String(chosen));
    const value = chip.problem || `${chip.values[layer]} at layer ${layer}`;
    node.title = `${chip.text}: ${value}`;
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
          this.movePlayhead();
          this.root.dataset.drawn = this.shown;
          resolve();
        });
      });
    });
    return this.drawing;
  }

  listen() {
    if (this.listening) return;
    this.listening = true;
    this.figure.on("plotly_click", (event) => this.onClick(this.figure.panelPlace(event.points[0])));
    this.figure.on("plotly_relayout", () => {
      this.figure.refit();
      this.movePlayhead();
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

  frameAt(time) {
    const spans = this.sheet.tensors.frame_spans.values;
    for (let i = 0; i < spans.length; i += 2) if (spans[i] <= time && time < spans[i + 1]) return i / 2;
    return null;
  }

  wordAt(time, frame) {
    const word = this.sheet.chips.findIndex(({ span }) => span && span[0] <= time && time < span[1]);
    return word >= 0 || frame === null ? word : this.sheet.frame_word[frame];
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.sheet) return;
    const onControl = event.target !== this.root && event.target.matches("input, button");
    if (event.target === this.slider) return;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 };
    if (event.key === " " && !onControl) this.togglePlay();
    else if (event.key === "Escape") this.choose({ word: null });
    else if (event.key === "ArrowUp" || event.key === "ArrowDown") this.stepLayer(steps[event.key]);
    else if (event.key === "ArrowLeft" || event.key === "ArrowRight") this.stepWord(steps[event.key]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  stepLayer(step) {
    const layer = Math.min(Math.max(this.choice.layer + step, 0), this.sheet.verdicts.length - 1);
    if (layer !== this.choice.layer) this.choose({ layer });
  }

  stepWord(step) {
    const last = this.chips.length - 1;
    const from = this.choice.word ?? (step > 0 ? -1 : last + 1);
    const word = Math.min(Math.max(from + step, 0), last);
    if (word === this.choice.word) return;
    this.choose({ word }, true);
    this.chips[word].scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  // The chosen word, or the chosen frame where no word is spoken.
  playChoice() {
    const { word, frame } = this.choice;
    const spans = this.sheet.tensors.frame_spans.values;
    const span = word !== null ? this.sheet.chips[word].span
      : frame !== null ? spans.subarray(2 * frame, 2 * frame + 2) : null;
    if (span) this.player.play(span[0], span[1]).catch((error) => this.cannotPlay(error));
  }

  togglePlay() {
    if (this.player.playing) this.player.pause();
    else this.player.play().catch((error) => this.cannotPlay(error));
  }

  cannotPlay(error) {
    this.status.textContent = `This browser cannot play the sound: ${error.message}`;
  }

  showPlaying() {
    const { playing } = this.player;
    this.root.dataset.playing = playing ? `${this.player.from}-${this.player.to}` : "";
    this.playButton.textContent = playing ? "Pause" : "Play";
    this.movePlayhead();
  }

  // Moves one line by a transform: Plotly does nothing while the sound runs.
  movePlayhead() {
    if (this.closed) return;
    const { time, playing } = this.player;
    const pixel = this.figure?.pixelOf(time) ?? null;
    this.playhead.hidden = pixel === null || !(playing || this.player.paused);
    if (pixel !== null) this.playhead.style.transform = `translateX(${pixel}px)`;
    this.clock.textContent = `${time.toFixed(2)} s`;
    this.selection?.move(playing || this.player.paused ? time : null);
    cancelAnimationFrame(this.frame);
    if (playing) this.frame = requestAnimationFrame(() => this.movePlayhead());
  }

  onResize() {
    if (!this.listening || this.closed || this.stage.clientWidth === this.width) return;
    this.width = this.stage.clientWidth;
    this.figure.Plotly.Plots.resize(this.plot).then(() => {
      this.figure.refit();
      this.movePlayhead();
    });
  }

  saveImage() {
    const filename = `${this.sheet.filename}-${this.choice.layer}`;
    this.figure?.save({ format: "svg", filename });
  }

  close() {
    this.closed = true;
    this.leave?.();
    clearTimeout(this.telling);
    cancelAnimationFrame(this.frame);
    this.watcher.disconnect();
    this.player.close();
    this.figure?.close();
  }
}

const views = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  if (!views.has(parentElement)) views.set(parentElement, new SheetView(parentElement));
  const view = views.get(parentElement);
  view.tell = (choice) => setTriggerValue("pick", choice);
  if (data) view.update(data);
  return () => {
    view.close();
    views.delete(parentElement);
  };
}
