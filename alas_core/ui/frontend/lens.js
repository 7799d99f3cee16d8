// The read-out on the page: grid, detail, keys. It shares the selection with the sheet.

class LensView {
  constructor(parent) {
    this.root = parent.querySelector(".alas-lens");
    this.side = "audio";
    this.followed = null;
    this.canvas = element("canvas", { class: "alas-lens-grid", "aria-hidden": "true" });
    this.playhead = element("div", { class: "alas-lens-playhead", hidden: "" });
    this.stage = element("div", { class: "alas-lens-stage" }, this.canvas, this.playhead);
    this.aside = element("div", { class: "alas-lens-detail" });
    this.status = element("div", { class: "alas-lens-status", role: "status", "aria-live": "polite" });
    this.root.replaceChildren(this.buildBar(), element("div", { class: "alas-lens-body" }, this.stage, this.aside), this.status);
    this.grid = new LensGrid(this.canvas);
    this.detail = new LensDetail(this.aside, (token) => this.setFollowed(token));
    this.canvas.addEventListener("click", (event) => this.onClick(event));
    this.canvas.addEventListener("mousemove", (event) => this.onHover(event));
    this.root.addEventListener("keydown", (event) => this.onKey(event));
    this.watcher = new ResizeObserver(() => this.onResize());
    this.watcher.observe(this.root);
  }

  buildBar() {
    this.sides = ["audio", "text"].map((side) => {
      const label = side === "audio" ? "Audio frames" : "Transcript tokens";
      const node = element("button", { type: "button", "aria-pressed": String(side === this.side) }, label);
      node.addEventListener("click", () => this.setSide(side));
      return node;
    });
    this.legend = element("span", { class: "alas-lens-legend" });
    return element("div", { class: "alas-lens-bar-row" }, element("span", { class: "alas-lens-sides", role: "group", "aria-label": "Positions" }, ...this.sides), this.legend);
  }

  async update({ id }) {
    this.wanted = id;
    try {
      const lens = await get(id);
      if (this.closed || this.wanted !== id || lens === this.lens) return;
      if (lens.analysis !== this.lens?.analysis) this.followed = null;
      this.lens = lens;
      this.root.dataset.analysis = lens.analysis; // whose keys these are: the sheet of it has the rest
      this.grid.setLens(lens);
      this.writeLegend();
      this.listenTo(selection(lens.analysis));
      await this.draw();
      this.root.dataset.ready = id;
    } catch (error) {
      this.stage.textContent = `This browser cannot draw the read-out: ${error.message}`;
      throw error;
    }
  }

  listenTo(chosen) {
    if (this.chosen === chosen) return;
    this.leave?.();
    this.chosen = chosen;
    this.leave = chosen.subscribe((state, { change, stir }) => {
      if (stir && change.range === undefined) this.movePlayhead();
      else this.draw();
    });
  }

  // What the selection means here: a layer, a word, and a column of the side that is shown.
  get choice() {
    const { layer, word, frame, token } = this.chosen.state;
    let column = this.side === "text" ? token : frame;
    if (column === null && word !== null) {
      const own = this.grid.cells.map((_, k) => k).filter((k) => this.grid.word(k) === word);
      column = own.length ? own[Math.floor(own.length / 2)] : null;
    }
    if (column !== null && column >= this.grid.cells.length) column = null;
    return { layer: Math.min(layer ?? 0, this.grid.layers - 1), word, column };
  }

  writeLegend() {
    const { colours, shades } = this.lens;
    const scale = element("span", { class: "alas-lens-scale", "aria-hidden": "true" });
    scale.style.background = `linear-gradient(to right, ${shades.join(",")})`;
    const mark = (kind, text) => {
      const box = element("span", { class: "alas-lens-mark", "aria-hidden": "true" });
      box.style.border = `2px ${kind === "own" ? "solid" : "dashed"} ${colours[kind]}`;
      return element("span", {}, box, text);
    };
    this.legend.replaceChildren(
      element("span", {}, "probability (layer 0: cosine) 0 ", scale, " 1"), mark("own", "the word itself"), mark("next", "the word after it"),
    );
  }

  setSide(side) {
    this.side = side;
    this.sides.forEach((node, k) => node.setAttribute("aria-pressed", String(side === ["audio", "text"][k])));
    this.draw();
  }

  setFollowed(token) {
    this.followed = token;
    this.draw();
  }

  // At most one drawing a frame, however fast the choices come.
  draw() {
    this.drawing ??= new Promise((resolve) => {
      requestAnimationFrame(() => {
        this.drawing = null;
        if (!this.closed && this.lens) this.drawNow();
        resolve();
      });
    });
    return this.drawing;
  }

  drawNow() {
    const { left, right, grid, detail } = this.lens.place;
    const whole = this.root.clientWidth;
    const plot = whole - left - right;
    const stage = left + grid * plot + 8;
    this.stage.style.flexBasis = `${stage}px`;
    this.aside.style.marginLeft = `${(detail - grid) * plot - 8}px`;
    this.canvas.style.width = `${stage}px`;
    const range = this.chosen.state.range ?? [0, this.lens.end_s]; // as the sheet above shows it
    this.grid.place(this.side, range, left, grid * plot);
    const chosen = this.choice;
    this.aside.style.height = `${this.grid.height}px`;
    this.grid.draw({ width: stage, chosen, followed: this.followed });
    this.status.textContent = this.detail.show(this.grid, chosen, this.followed);
    this.movePlayhead();
    Object.assign(this.root.dataset, {
      drawn: [chosen.layer, chosen.word ?? "", chosen.column ?? ""].join("/"),
      side: this.side,
      range: this.grid.range.join("-"),
      followed: this.followed === null ? "" : this.lens.vocabulary[this.followed],
    });
  }

  movePlayhead() {
    const time = this.chosen?.state.playhead ?? null;
    const [low, high] = this.grid.range ?? [];
    this.playhead.hidden = time === null || this.side === "text" || !(low <= time && time <= high);
    if (!this.playhead.hidden) this.playhead.style.transform = `translateX(${this.grid.x(time)}px)`;
  }

  cellAt(event) {
    const box = this.canvas.getBoundingClientRect();
    return this.grid.at(event.clientX - box.left, event.clientY - box.top);
  }

  onClick(event) {
    if (!this.lens) return;
    this.root.focus({ preventScroll: true });
    const cell = this.cellAt(event);
    if (cell) this.pick(cell.layer, cell.column, true);
  }

  onHover(event) {
    if (!this.lens) return;
    const cell = this.cellAt(event);
    this.canvas.style.cursor = cell ? "pointer" : "default";
    this.canvas.title = cell
      ? `layer ${cell.layer}: ‘${this.lens.vocabulary[this.grid.token(cell.layer, cell.column)]}’ ${two(this.grid.share(cell.layer, cell.column))}`
      : "";
  }

  pick(layer, column, hear) {
    const word = this.grid.word(column);
    const place = this.side === "text" ? { token: column } : { frame: column };
    this.chosen.pick({ layer, word: word >= 0 ? word : null, ...place }, hear);
  }

  // Layer by layer what is chosen stays chosen, as on the sheet; along a row each cell is a choice.
  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.lens) return;
    if (!this.step(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  step(key) {
    const { layer, column } = this.choice;
    const within = (value, count) => Math.min(Math.max(value, 0), count - 1);
    const [layers, columns] = [this.grid.layers, this.grid.cells.length];
    if (key === "ArrowUp") this.chosen.pick({ layer: within(layer - 1, layers) });
    else if (key === "ArrowDown") this.chosen.pick({ layer: within(layer + 1, layers) });
    else if (key === "ArrowLeft") this.pick(layer, within((column ?? columns) - 1, columns), false);
    else if (key === "ArrowRight") this.pick(layer, within((column ?? -1) + 1, columns), false);
    else if (key === "Escape" && this.followed !== null) this.setFollowed(null);
    else return false;
    return true;
  }

  onResize() {
    if (this.closed || this.root.clientWidth === this.wide) return;
    this.wide = this.root.clientWidth;
    this.draw();
  }

  close() {
    this.closed = true;
    this.leave?.();
    this.watcher.disconnect();
  }
}

const views = new WeakMap();

export default function ({ data, parentElement }) {
  if (!views.has(parentElement)) views.set(parentElement, new LensView(parentElement));
  const view = views.get(parentElement);
  if (data) view.update(data);
  return () => {
    view.close();
    views.delete(parentElement);
  };
}
