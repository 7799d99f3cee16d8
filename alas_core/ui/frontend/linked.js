// A figure of its own on the page that takes part in the selection: title, figure, notes.

const HELP = "Arrow up and down change the layer, left and right the word, R plays it again.";

class LinkedView {
  constructor(parent) {
    this.root = parent.querySelector(".alas-linked");
    this.heading = element("span");
    this.slider = element("input", { class: "alas-range", type: "range", min: 0, step: 1, "aria-label": "Layer", hidden: "" });
    this.slider.addEventListener("input", () => this.chosen.pick({ layer: Number(this.slider.value) }));
    const title = element("div", { class: "alas-linked-title" }, this.heading, this.slider);
    this.plot = element("div", { class: "alas-linked-figure" });
    this.notes = element("ul", { class: "alas-linked-notes" });
    this.root.tabIndex = 0; // so that the keys go on after a click
    this.root.setAttribute("role", "group");
    this.root.replaceChildren(title, element("div", { class: "alas-linked-body" }, this.plot, this.notes));
    this.watcher = new ResizeObserver(() => this.onResize());
    this.watcher.observe(this.plot);
  }

  async update({ id, library }) {
    this.wanted = id;
    try {
      const [Plotly, made] = await Promise.all([get(library), get(id)]);
      if (!this.closed && this.wanted === id) await this.take(made, Plotly);
    } catch (error) {
      this.plot.textContent = `This browser cannot draw the figure: ${error.message}`;
      throw error;
    }
  }

  async take(made, Plotly) {
    if (made === this.made) return;
    this.made = made;
    if (this.figure?.Plotly !== Plotly) {
      this.figure?.close();
      this.plot.replaceChildren();
      this.figure = new LinkedFigure(this.plot, Plotly);
      this.listening = false;
    }
    this.figure.setFigure(made);
    this.root.dataset.analysis = made.analysis;
    this.root.dataset.figure = this.wanted;
    this.listenTo(selection(made.analysis));
    if (this.chosen.state.layer !== null) await this.show();
    else await this.figure.draw(); // as Python made it, until the sheet knows what is chosen
  }

  listenTo(chosen) {
    if (this.chosen === chosen) return;
    this.leave?.();
    this.chosen = chosen;
    this.leave = chosen.subscribe((state, { stir }) => stir || this.show());
  }

  // At most one drawing a frame, however fast the choices come.
  show() {
    this.drawing ??= new Promise((resolve) => {
      requestAnimationFrame(() => {
        this.drawing = null;
        if (this.closed) return resolve();
        const { layer, word, frame, token } = this.chosen.state;
        this.write(layer);
        this.figure.follow(this.chosen.state);
        this.figure.draw().then(() => {
          this.listen();
          this.root.dataset.drawn = [layer, word, frame, token].map((part) => part ?? "").join("/");
          resolve();
        });
      });
    });
    return this.drawing;
  }

  write(layer) {
    this.heading.textContent = this.made.titles?.[layer] ?? "";
    this.root.setAttribute("aria-label", `${this.made.titles?.[layer] ?? this.made.label}. ${HELP}`);
    this.slider.hidden = !this.made.titles;
    this.slider.max = (this.made.titles ?? [0]).length - 1;
    this.slider.value = layer;
    const notes = this.made.notes?.[layer] ?? [];
    this.notes.replaceChildren(...notes.map((note) => element("li", {}, note)));
    this.notes.hidden = notes.length === 0;
  }

  listen() {
    if (this.listening || this.closed) return;
    this.listening = true;
    this.figure.on("plotly_doubleclick", () => this.figure.showAll(this.chosen.state.layer));
    this.figure.on("plotly_click", ({ points }) => {
      const change = this.figure.pick(points[0]);
      this.root.focus({ preventScroll: true });
      if (change) this.chosen.pick(change, change.layer === undefined);
    });
  }

  onResize() {
    if (this.listening && !this.closed) this.figure.Plotly.Plots.resize(this.plot);
  }

  close() {
    this.closed = true;
    this.leave?.();
    this.watcher.disconnect();
    this.figure?.close();
  }
}

const views = new WeakMap();

export default function ({ data, parentElement }) {
  if (!views.has(parentElement)) views.set(parentElement, new LinkedView(parentElement));
  const view = views.get(parentElement);
  if (data) view.update(data);
  return () => {
    view.close();
    views.delete(parentElement);
  };
}
