// Draws the sheet's figure and follows layer and word with the tables that came with it.

const CONFIG = { displayModeBar: false, doubleClick: "reset", showTips: false };

const escapeLabel = (text) =>
  text.replace(/[&<>$]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", $: "&#36;" })[c]);

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

class SheetFigure {
  constructor(div, Plotly) {
    this.div = div;
    this.Plotly = Plotly;
    this.revision = 0;
    this.drawn = Promise.resolve();
  }

  // A new figure: other data, score, fold or theme. Keeps the zoom where the data are the same.
  setSheet(sheet) {
    this.sheet = sheet;
    this.data = sheet.figure.data;
    this.layout = { ...sheet.figure.layout, autosize: true };
    for (const trace of this.data) {
      if (!trace.meta?.rows) continue;
      const { rows, columns } = trace.meta;
      trace.customdata = rows.map((row) => columns.map((column) => [column, row]));
    }
  }

  choose(table, index) {
    for (const part of Object.keys(table)) {
      const items = part === "data" ? this.data : this.layout[part];
      for (const [name, changes] of Object.entries(table[part])) {
        const item = items.find((candidate) => candidate.name === name);
        for (const [key, values] of Object.entries(changes)) {
          item[key] = typeof values === "string"
            ? tensorRow(this.sheet.tensors, values.slice(1), index)
            : index === null ? false : values[index];
        }
      }
    }
  }

  setLayer(layer) {
    this.choose(this.sheet.layers, layer);
  }

  setWord(word) {
    if (word !== null) this.choose(this.sheet.words, word);
    else for (const shape of this.layout.shapes) if (shape.name !== "layer") shape.visible = false;
  }

  // Word names that fit their cell at the present zoom, cut names where most of one fits.
  fitLabels() {
    const labels = this.data.find((trace) => trace.name === "word labels");
    const axis = this.div._fullLayout?.xaxis;
    if (!axis || !labels) return false;
    const pen = (this.pen ??= document.createElement("canvas").getContext("2d"));
    pen.font = `${labels.textfont.size}px ${getComputedStyle(this.div).fontFamily}`;
    const words = this.sheet.chips.filter((chip) => chip.span);
    const text = words.map((chip) => {
      const room = axis.l2p(chip.span[1]) - axis.l2p(chip.span[0]) - 3;
      return escapeLabel(fit(pen, chip.text, room));
    });
    if (text.join("\n") === (labels.text ?? []).join("\n")) return false;
    labels.text = text;
    return true;
  }

  draw() {
    this.layout.datarevision = ++this.revision;
    this.drawn = this.Plotly.react(this.div, this.data, this.layout, CONFIG).then(() => {
      if (this.fitLabels()) return this.refit();
    });
    return this.drawn;
  }

  refit() {
    this.layout.datarevision = ++this.revision;
    return this.Plotly.react(this.div, this.data, this.layout, CONFIG);
  }

  on(name, handler) {
    this.div.on(name, handler);
  }

  resetZoom() {
    const { xaxis, yaxis5 } = this.sheet.ranges;
    return this.Plotly.relayout(this.div, { "xaxis.range": [...xaxis], "yaxis5.range": [...yaxis5] });
  }

  // As it stands on the screen, but on the page's colour instead of on nothing.
  save(options) {
    const { clientWidth: width, clientHeight: height } = this.div;
    const layout = { ...this.div.layout, paper_bgcolor: this.sheet.background, width, height };
    return this.Plotly.downloadImage({ data: this.data, layout }, { ...options, width, height });
  }

  // Pixels from the left of the plot, or null where the zoom hides that time.
  pixelOf(time) {
    const axis = this.div._fullLayout?.xaxis;
    if (!axis) return null;
    const pixel = axis.l2p(time);
    return pixel < -1 || pixel > axis._length + 1 ? null : axis._offset + pixel;
  }

  // What a click in a panel means, in seconds, layers and tokens.
  place(point) {
    const { xaxis, yaxis } = point.data;
    const place = { time: null, layer: null, token: null };
    if ((xaxis ?? "x") === "x") place.time = point.x;
    if (yaxis === "y4") place.layer = Math.round(point.y);
    if (yaxis === "y5") place.token = Math.round(point.y);
    return place;
  }

  close() {
    this.Plotly.purge(this.div);
  }
}

function fit(pen, text, room) {
  if (pen.measureText(text).width <= room) return text;
  for (let length = text.length - 1; length >= 2; length -= 1) {
    const cut = `${text.slice(0, length)}…`;
    if (pen.measureText(cut).width <= room) return cut;
  }
  return "";
}
