// A Plotly figure that follows layer, word, frame and token with the tables that came with it
// (see alas_core/figures/linked.py). Positions of map points are looked up the same way.

const CONFIG = { displayModeBar: false, doubleClick: "reset", showTips: false };
const TABLES = [["layers", "layer"], ["words", "word"], ["frames", "frame"], ["tokens", "token"]];
const GONE = { visible: false, "meta.at": [], "meta.trail": null };

// Row `index` of a tensor; integers become numbers by low + step * integer, rows of rows lists.
function tensorRow(tensors, name, index) {
  const { shape, values } = tensors[name];
  const size = shape.slice(1).reduce((a, b) => a * b, 1);
  let row = values.subarray(index * size, (index + 1) * size);
  if (tensors[`${name}.step`]) {
    const low = tensors[`${name}.low`].values[index];
    const step = tensors[`${name}.step`].values[index];
    row = Float32Array.from(row, (q) => low + step * q);
  }
  if (shape.length === 2) return row;
  return Array.from({ length: shape[1] }, (_, k) => row.subarray(k * shape[2], (k + 1) * shape[2]));
}

// item["a.b"] = value, as Plotly writes attributes of attributes.
function assign(item, path, value) {
  const names = path.split(".");
  const last = names.pop();
  for (const name of names) item = item[name] ??= {};
  item[last] = value;
}

class LinkedFigure {
  config = CONFIG;

  constructor(div, Plotly) {
    this.div = div;
    this.Plotly = Plotly;
    this.revision = 0;
    this.drawn = Promise.resolve();
  }

  // A new figure: other data, score, fold or theme. Keeps the zoom where the data are the same.
  setFigure(made) {
    this.made = made;
    this.followed = null;
    this.data = made.figure.data;
    this.layout = { ...made.figure.layout, autosize: true };
    // Plotly's own double click goes back to what the first analysis in this place showed.
    if (made.changes.layers?.layout) this.config = { ...CONFIG, doubleClick: false };
    for (const trace of this.data) {
      if (!trace.meta?.rows) continue;
      const { rows, columns } = trace.meta;
      trace.customdata = rows.map((row) => columns.map((column) => [column, row]));
    }
  }

  // Take over a selection; nothing is drawn yet.
  follow(state) {
    const tables = TABLES.map(([table, name]) => [this.made.changes[table], state[name]]);
    for (const [table, index] of tables) if (table && index === null) this.change(table, null);
    for (const [table, index] of tables) if (table && index !== null) this.change(table, index);
    if (this.made.tensors.points) this.place(state.layer);
    const data = tables.map(([table, index]) => (table?.data ? index : "")).join("/");
    if (data !== this.followed) this.revision += 1;
    this.followed = data;
  }

  change({ layout = {}, ...parts }, index) {
    for (const [path, values] of Object.entries(layout)) {
      if (index !== null) assign(this.layout, path, [...values[index]]);
    }
    for (const [part, named] of Object.entries(parts)) {
      const items = part === "data" ? this.data : this.layout[part];
      for (const [name, changes] of Object.entries(named)) {
        const item = items.find((candidate) => candidate.name === name);
        if (!item) continue;
        for (const [path, values] of Object.entries(changes)) this.set(item, path, values, index);
      }
    }
  }

  set(item, path, values, index) {
    if (index === null) {
      if (path in GONE) assign(item, path, GONE[path]);
    } else {
      const named = typeof values === "string";
      assign(item, path, named ? tensorRow(this.made.tensors, values.slice(1), index) : values[index]);
    }
  }

  // Traces that name points get their positions at this layer, or at all layers for a trail.
  place(layer) {
    const here = tensorRow(this.made.tensors, "points", layer);
    const all = this.data.some((trace) => Number.isInteger(trace.meta?.trail))
      ? Array.from({ length: this.made.tensors.points.shape[0] },
          (_, index) => tensorRow(this.made.tensors, "points", index))
      : [];
    for (const trace of this.data) {
      const { at, trail } = trace.meta ?? {};
      ["x", "y", "z"].slice(0, here.length).forEach((name, axis) => {
        if (at) trace[name] = at.map((point) => (point === null ? null : here[axis][point]));
        else if (trail !== undefined) trace[name] = trail === null ? [] : all.map((row) => row[axis][trail]);
      });
    }
  }

  // Plotly computes all traces anew for another revision, and only moves shapes for the same one.
  draw() {
    this.layout.datarevision = this.revision;
    this.drawn = this.Plotly.react(this.div, this.data, this.layout, this.config);
    return this.drawn;
  }

  // Everything that there is at a layer, after a reader has moved or zoomed.
  showAll(layer) {
    const ranges = Object.entries(this.made.changes.layers?.layout ?? {});
    if (!ranges.length) return;
    const whole = ranges.map(([path, values]) => [path, [...values[layer]]]);
    this.Plotly.relayout(this.div, Object.fromEntries(whole));
  }

  on(name, handler) {
    this.div.on(name, handler);
  }

  // As it stands on the screen, but on the page's colour instead of on nothing.
  save(options) {
    const { clientWidth: width, clientHeight: height } = this.div;
    const layout = { ...this.div.layout, paper_bgcolor: this.made.background, width, height };
    return this.Plotly.downloadImage({ data: this.data, layout }, { ...options, width, height });
  }

  // What a click on a point means for the selection, or null. `meta.pick` says what the trace's
  // points are ("frame", "token", "word", "layer"), or which part of it an axis counts.
  pick(point) {
    const { pick } = point.data.meta ?? {};
    if (!pick) return null;
    if (typeof pick === "object") {
      const entries = Object.entries(pick).map(([axis, name]) => [name, Math.round(point[axis])]);
      return Object.fromEntries(entries);
    }
    const change = { [pick]: point.pointNumber };
    const words = this.made[`${pick}_word`];
    if (words) change.word = words[point.pointNumber] < 0 ? null : words[point.pointNumber];
    return change;
  }

  close() {
    purge(this.Plotly, this.div);
  }
}
