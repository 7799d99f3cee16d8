// A figure whose cells can be chosen: a click tells Python the cell that the pointer's label names.

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
    this.root.replaceChildren(this.plot, this.buildBar());
    this.sent = 0;
    this.watcher = new ResizeObserver(() => this.onResize());
    this.watcher.observe(this.root);
  }

  async update({ id, figure, filename, nonce }) {
    this.sent = Math.max(this.sent, nonce);
    if (id === this.wanted) return;
    this.wanted = id;
    const Plotly = await get("plotly");
    if (this.closed || this.wanted !== id) return;
    this.Plotly = Plotly;
    const { data, layout } = JSON.parse(figure);
    data.forEach(spreadLabels);
    Object.assign(this, { figure, filename });
    await Plotly.react(this.plot, data, { ...layout, autosize: true }, CHART_CONFIG);
    if (!this.listening) this.plot.on("plotly_click", (event) => this.onClick(event.points[0]));
    this.listening = true;
    this.root.dataset.ready = id;
  }

  buildBar() {
    const bar = document.createElement("div");
    bar.className = "alas-chart-bar";
    bar.append("Save figure: ");
    for (const format of ["SVG", "PNG", "JSON"]) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = format;
      button.title = `Save this figure as ${format}`;
      button.addEventListener("click", () => this.save(format.toLowerCase()));
      bar.append(button);
    }
    return bar;
  }

  save(format) {
    if (!this.Plotly) return;
    const scale = format === "png" ? 3 : 1;
    if (format !== "json") {
      this.Plotly.downloadImage(this.plot, { format, scale, filename: this.filename });
      return;
    }
    const url = URL.createObjectURL(new Blob([this.figure], { type: "application/json" }));
    const link = Object.assign(document.createElement("a"), { href: url });
    link.download = `${this.filename}.json`;
    link.click();
    URL.revokeObjectURL(url);
  }

  onClick({ data, pointIndex }) {
    if (!Array.isArray(pointIndex)) return;
    const [row, column] = pointIndex;
    this.sent += 1;
    this.tell({ trace: data.name, row, column, id: this.wanted, nonce: this.sent });
  }

  onResize() {
    if (!this.listening || this.closed || this.root.clientWidth === this.width) return;
    this.width = this.root.clientWidth;
    if (this.width) this.Plotly.Plots.resize(this.plot);
  }

  close() {
    this.closed = true;
    this.watcher.disconnect();
    this.Plotly?.purge(this.plot);
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
