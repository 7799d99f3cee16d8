// A figure whose cells can be chosen, where Python asks for that: a click tells it the cell that the
// pointer's label names. One that is linked shows the page's selection instead, and adds to it.

const CHART_CONFIG = {
  displayModeBar: false,
  doubleClick: "reset",
  showTips: false,
};

const PATIENCE_MS = 3000; // how long a row that was told goes before the mark that Python draws
const ROWS_HELP = "Arrow up and down change the layer.";
const LINK_HELP = "Arrow up and down change the layer, left and right the word, R plays it again.";

// Labels of rows and columns travel once and are spread over the cells here.
function spreadLabels(trace) {
  if (!trace.meta?.columns) return;
  const { rows, columns } = trace.meta;
  trace.customdata = rows.map((row) => columns.map((column) => [column, row]));
}

class ChartView {
  constructor(parent) {
    this.root = parent.querySelector(".alas-chart");
    this.plot = document.createElement("div");
    this.plot.setAttribute("role", "img");
    this.root.replaceChildren(this.plot, saveBar((format) => this.save(format)));
    this.sent = 0;
    this.toldAt = -Infinity;
    this.root.addEventListener("keydown", (event) => this.onKey(event));
    this.watcher = new ResizeObserver(() => this.onResize());
    this.watcher.observe(this.root);
  }

  async update({ id, figure, filename, label, nonce, picks, rows, link }) {
    this.sent = Math.max(this.sent, nonce);
    this.rows = rows;
    if (rows.length || link) this.root.tabIndex = 0;
    this.listenTo(link);
    if (id === this.wanted) return;
    this.wanted = id;
    this.plot.setAttribute("aria-label", label);
    if (this.root.tabIndex === 0) {
      this.root.setAttribute("role", "group");
      this.root.setAttribute("aria-label", `${label}. ${link ? LINK_HELP : ROWS_HELP}`);
    }
    this.root.toggleAttribute("data-picks", picks || link !== null);
    const Plotly = await get("plotly");
    if (this.closed || this.wanted !== id) return;
    this.Plotly = Plotly;
    const { data, layout } = JSON.parse(figure);
    data.forEach(spreadLabels);
    Object.assign(this, { figure, filename });
    await Plotly.react(this.plot, data, { ...layout, autosize: true }, CHART_CONFIG);
    if (this.closed) return;
    this.plot.onclick = rows.length || link ? (event) => this.onPlace(event) : null;
    if (picks && !rows.length && !this.listening) this.plot.on("plotly_click", (event) => this.onClick(event.points[0]));
    this.listening = true;
    this.follow();
    this.root.dataset.ready = id;
  }

  // Which analysis the figure is of, and which word each column is.
  listenTo(link) {
    this.link = link;
    const chosen = link && selection(link.analysis);
    if (this.chosen === chosen) return;
    this.leave?.();
    this.chosen = chosen;
    if (!chosen) return;
    this.root.dataset.analysis = link.analysis; // whose keys these are
    this.leave = chosen.subscribe((state, { change }) => {
      if (change.layer !== undefined || change.word !== undefined) this.follow();
    });
  }

  // The marks of layer and word where the selection is; Python drew them where it last heard of it.
  follow() {
    if (!this.listening || this.closed || !this.chosen || this.chosen.state.layer === null) return;
    const { layer, word } = this.chosen.state;
    const column = this.link.words.indexOf(word);
    const change = {};
    this.plot.layout.shapes?.forEach((shape, k) => {
      const at = `shapes[${k}].`;
      const mark = (values) => Object.entries(values).forEach(([name, value]) => { change[at + name] = value; });
      if (shape.name === "layer") mark({ y0: layer, y1: layer });
      if (shape.name === "word") mark({ x0: column - 0.5, x1: column + 0.5, visible: column >= 0 });
    });
    this.root.dataset.layer = layer;
    this.Plotly.relayout(this.plot, change);
  }

  // A click anywhere in a panel means its layer, and its word where the columns are words.
  onPlace(event) {
    const place = this.placeOf(event);
    if (!place) return;
    this.root.focus({ preventScroll: true }); // so that the keys go on from here
    const row = this.rowAt(place.y);
    if (!this.chosen) return row < 0 ? null : this.send(row, 0);
    const word = this.link.words[Math.round(place.x)];
    if (row < 0 && word === undefined) return;
    const change = word === undefined ? {} : { word };
    this.chosen.pick(row < 0 ? change : { layer: row, ...change }, word !== undefined);
  }

  // Of a figure that is linked the sheet has the keys. In one that is not, a key goes on from the row
  // that was just told, since it may come before Python has drawn the mark there.
  onKey(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (this.chosen || !this.rows.length || !step || event.target !== this.root) return;
    event.preventDefault();
    const mark = this.plot.layout?.shapes?.find(({ name }) => name === "layer");
    const fresh = performance.now() - this.toldAt < PATIENCE_MS;
    const from = fresh ? this.told : mark ? this.rowAt(mark.y0) : 0;
    const row = Math.min(Math.max(from + step, 0), this.rows.length - 1);
    if (row !== from) this.send(row, 0);
  }

  // The row that a place belongs to, or -1 beyond half a row from all.
  rowAt(y) {
    const { rows } = this;
    const reach = Math.abs(rows[1] - rows[0]) / 2 || 0.5;
    return rows.findIndex((row) => Math.abs(row - y) <= reach);
  }

  placeOf({ clientX, clientY }) {
    const { left, top } = this.plot.getBoundingClientRect();
    for (const { xaxis, yaxis } of Object.values(this.plot._fullLayout?._plots ?? {})) {
      const [x, y] = [clientX - left - xaxis._offset, clientY - top - yaxis._offset];
      if (x >= 0 && x < xaxis._length && y >= 0 && y < yaxis._length) return { x: xaxis.p2l(x), y: yaxis.p2l(y) };
    }
    return null;
  }

  save(format) {
    if (!this.Plotly) return;
    const figure = JSON.parse(this.figure);
    figure.data.forEach(spreadLabels);
    if (format === "json") saveJson(JSON.stringify(figure), this.filename);
    else saveImage(this.Plotly, this.plot, figure.data, format, this.filename);
  }

  onClick({ pointIndex }) {
    if (!Array.isArray(pointIndex)) return;
    this.send(...pointIndex);
  }

  send(row, column) {
    this.sent += 1;
    Object.assign(this, { told: row, toldAt: performance.now() });
    // Layers are the same in every drawing: a key that is pressed while the next one comes counts.
    const id = this.rows.length ? "rows" : this.wanted;
    this.tell({ row, column, id, nonce: this.sent });
  }

  onResize() {
    if (!this.listening || this.closed || this.root.clientWidth === this.width) return;
    this.width = this.root.clientWidth;
    if (this.width) this.Plotly.Plots.resize(this.plot);
  }

  close() {
    this.closed = true;
    this.leave?.();
    this.watcher.disconnect();
    if (this.Plotly) purge(this.Plotly, this.plot);
  }
}

const charts = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  if (!charts.has(parentElement)) charts.set(parentElement, new ChartView(parentElement));
  const view = charts.get(parentElement);
  view.tell = (choice) => setTriggerValue("pick", choice);
  if (data) view.update(data);
  return () => {
    view.close();
    charts.delete(parentElement);
  };
}
