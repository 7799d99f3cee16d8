// A figure whose cells can be chosen, where Python asks for that: a click tells it the cell that the
// pointer's label names.

const CHART_CONFIG = {
  displayModeBar: false,
  doubleClick: "reset",
  showTips: false,
};

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
    this.watcher = new ResizeObserver(() => this.onResize());
    this.watcher.observe(this.root);
  }

  async update({ id, figure, filename, label, nonce, cells, picks }) {
    this.sent = Math.max(this.sent, nonce);
    if (id === this.wanted) return;
    this.wanted = id;
    this.plot.setAttribute("aria-label", label);
    this.root.toggleAttribute("data-picks", picks);
    const Plotly = await get("plotly");
    if (this.closed || this.wanted !== id) return;
    this.Plotly = Plotly;
    const { data, layout } = JSON.parse(figure);
    data.forEach(spreadLabels);
    Object.assign(this, { figure, filename, cells });
    await Plotly.react(this.plot, data, { ...layout, autosize: true }, CHART_CONFIG);
    if (this.closed) return;
    if (picks && !this.listening) this.plot.on("plotly_click", (event) => this.onClick(event.points[0]));
    this.listening = true;
    this.root.dataset.ready = id;
  }

  save(format) {
    if (!this.Plotly) return;
    const figure = JSON.parse(this.figure);
    figure.data.forEach(spreadLabels);
    if (format === "json") saveJson(JSON.stringify(figure), this.filename);
    else saveImage(this.Plotly, this.plot, figure.data, format, this.filename);
  }

  onClick({ data, pointIndex }) {
    if (!Array.isArray(pointIndex)) return;
    const [row, column] = pointIndex;
    this.sent += 1;
    this.tell({ trace: data.name, row, column, id: this.cells, nonce: this.sent });
  }

  onResize() {
    if (!this.listening || this.closed || this.root.clientWidth === this.width) return;
    this.width = this.root.clientWidth;
    if (this.width) this.Plotly.Plots.resize(this.plot);
  }

  close() {
    this.closed = true;
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
