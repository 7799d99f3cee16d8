// Draws the read-out's grid, layers down and time (or tokens) across, on a canvas: thousands of
// cells, of which neighbours that name the same token make one labelled run.

const HEAD_PX = 24;
const FOOT_PX = 34;

class LensGrid {
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
  }

  setLens(lens) {
    this.lens = lens;
    const [layers, positions, kept] = lens.tensors.tops.shape;
    Object.assign(this, { layers, positions, kept, frames: lens.frame_word.length });
    this.row = lens.row_px;
  }

  get height() {
    return HEAD_PX + this.layers * this.row + FOOT_PX;
  }

  // Columns of the frames or of the transcript's tokens: [from, to) in units of the axis.
  columns(side) {
    const { tensors, tokens } = this.lens;
    if (side === "text") return tokens.map((_, k) => [k, k + 1]);
    const cells = tensors.frame_cells.values;
    return Array.from({ length: this.frames }, (_, i) => [cells[2 * i], cells[2 * i + 1]]);
  }

  place(side, range, left, width) {
    this.side = side;
    this.first = side === "text" ? this.frames : 0;
    this.cells = this.columns(side);
    const [low, high] = side === "text" ? [0, this.cells.length] : range;
    this.left = left;
    this.width = width;
    this.x = (value) => left + ((value - low) / (high - low)) * width;
    this.value = (x) => low + ((x - left) / width) * (high - low);
    this.range = [low, high];
  }

  top(layer) {
    return HEAD_PX + layer * this.row;
  }

  index(layer, column, place = 0) {
    return (layer * this.positions + this.first + column) * this.kept + place;
  }

  token(layer, column, place = 0) {
    return this.lens.tensors.tops.values[this.index(layer, column, place)];
  }

  share(layer, column, place = 0) {
    return this.lens.tensors.values.values[this.index(layer, column, place)] / 65535;
  }

  // "own", "next" or "": what the first token of a cell names.
  names(layer, column) {
    const at = layer * this.positions + this.first + column;
    const { own_rank, next_rank } = this.lens.tensors;
    if (own_rank.values[at] === 1) return "own";
    return next_rank.values[at] === 1 ? "next" : "";
  }

  word(column) {
    const { frame_word, token_word } = this.lens;
    return (this.side === "text" ? token_word : frame_word)[column];
  }

  // Place (0 to 9) of a token among the first ones of a cell, or -1.
  find(layer, column, token) {
    const from = this.index(layer, column);
    const row = this.lens.tensors.tops.values.subarray(from, from + this.kept);
    return row.indexOf(token);
  }

  at(x, y) {
    const layer = Math.floor((y - HEAD_PX) / this.row);
    if (layer < 0 || layer >= this.layers || x < this.left || x > this.left + this.width) return null;
    const value = this.value(x);
    const column = this.cells.findIndex(([from, to]) => from <= value && value < to);
    return column < 0 ? null : { layer, column };
  }

  draw({ width, chosen, followed }) {
    const scale = globalThis.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * scale);
    this.canvas.height = Math.round(this.height * scale);
    this.canvas.style.height = `${this.height}px`;
    this.pen.setTransform(scale, 0, 0, scale, 0, 0);
    this.pen.clearRect(0, 0, width, this.height);
    this.drawAxes();
    this.pen.save();
    this.pen.beginPath();
    this.pen.rect(this.left, 0, this.width, HEAD_PX + this.layers * this.row);
    this.pen.clip();
    this.drawHead();
    for (let layer = 0; layer < this.layers; layer += 1) this.drawRow(layer, followed);
    this.drawChoice(chosen);
    this.pen.restore();
    this.drawLayerMark(chosen);
  }

  write(text, x, y, { colour, size = 11, align = "left", bold = false }) {
    this.pen.font = `${bold ? "600 " : ""}${size}px ${this.lens.font}`;
    this.pen.textAlign = align;
    this.pen.textBaseline = "middle";
    this.pen.fillStyle = colour;
    this.pen.fillText(text, x, y);
  }

  fitted(text, room) {
    if (this.pen.measureText(text).width <= room) return text;
    for (let length = text.length - 1; length >= 2; length -= 1) {
      const cut = `${text.slice(0, length)}…`;
      if (this.pen.measureText(cut).width <= room) return cut;
    }
    return "";
  }

  // The part of a span that the zoom shows, where its label belongs.
  visible(from, to) {
    return [Math.max(from, this.left), Math.min(to, this.left + this.width)];
  }

  drawAxes() {
    const { muted } = this.lens.colours;
    const step = [1, 2, 4, 5, 8, 10, 16, 20].find((s) => (s * this.row) >= 22) ?? 20;
    for (let layer = 0; layer < this.layers; layer += step) {
      this.write(String(layer), this.left - 6, this.top(layer) + this.row / 2, { colour: muted, align: "right" });
    }
    this.pen.save();
    this.pen.translate(this.left - 44, HEAD_PX + (this.layers * this.row) / 2);
    this.pen.rotate(-Math.PI / 2);
    this.write("layer", 0, 0, { colour: muted, size: 12, align: "center" });
    this.pen.restore();
    const under = HEAD_PX + this.layers * this.row;
    const title = this.side === "text" ? "token of the transcript" : this.lens.time;
    this.write(title, this.left + this.width / 2, under + 25, { colour: muted, size: 12, align: "center" });
    if (this.side === "text") return;
    const [low, high] = this.range;
    const tick = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10].find((s) => (s / (high - low)) * this.width > 55) ?? 20;
    for (let k = Math.ceil(low / tick - 1e-6); k * tick <= high + 1e-6; k += 1) {
      const text = (k * tick).toFixed(tick < 0.1 ? 2 : tick < 1 ? 1 : 0);
      this.write(text, this.x(k * tick), under + 9, { colour: muted, align: "center" });
    }
  }

  // The words over their frames, or the transcript's tokens over themselves.
  drawHead() {
    const { ink, muted, line } = this.lens.colours;
    const spoken = this.lens.words.filter(({ span }) => span);
    const labels = this.side === "text"
      ? this.lens.tokens.map((text, k) => ({ text, span: [k, k + 1] }))
      : spoken;
    for (const { text, span } of labels) {
      const [from, to] = span.map(this.x);
      const [start, end] = this.visible(from, to);
      this.pen.font = `12px ${this.lens.font}`;
      const shown = this.fitted(text, end - start - 4);
      this.write(shown, (start + end) / 2, HEAD_PX / 2 - 2, { colour: ink, size: 12, align: "center" });
      this.pen.fillStyle = muted;
      this.pen.fillRect(from, HEAD_PX - 7, 1, 7);
      this.pen.fillRect(to - 1, HEAD_PX - 7, 1, 7);
    }
    this.pen.fillStyle = line;
    this.pen.fillRect(this.left, HEAD_PX - 1, this.width, 1);
  }

  drawRow(layer, followed) {
    const { shades, vocabulary, colours } = this.lens;
    const [top, height] = [this.top(layer), this.row - 1];
    let run = null;
    for (let column = 0; column <= this.cells.length; column += 1) {
      const token = column < this.cells.length ? this.token(layer, column) : null;
      const named = column < this.cells.length ? this.names(layer, column) : null;
      if (run && (token !== run.token || named !== run.named)) {
        this.drawRun(run, column, layer, vocabulary[run.token]);
        run = null;
      }
      if (token === null) break;
      run ??= { token, named, from: column, sum: 0 };
      let share = this.share(layer, column);
      if (followed !== null) {
        const place = this.find(layer, column, followed);
        share = place < 0 ? 0 : this.share(layer, column, place);
      }
      run.sum += share;
      const [left, right] = this.cells[column].map(this.x);
      this.pen.fillStyle = shades[Math.round(share * (shades.length - 1))];
      this.pen.fillRect(left, top, right - left + 0.4, height);
    }
    this.pen.fillStyle = colours.paper;
    this.pen.fillRect(this.left, top + height, this.width, 1);
  }

  drawRun({ named, from, sum }, to, layer, text) {
    const { colours } = this.lens;
    const left = this.x(this.cells[from][0]);
    const right = this.x(this.cells[to - 1][1]);
    const [top, height] = [this.top(layer), this.row - 1];
    const light = sum / (to - from) > 0.55; // the scale's upper end is bright yellow
    this.pen.font = `${this.row >= 18 ? 11 : 10}px ${this.lens.font}`;
    const [start, end] = this.visible(left, right);
    const shown = end - start > 14 ? this.fitted(text, end - start - 5) : "";
    if (shown) {
      const colour = light ? "#1b1f24" : "#ffffff";
      this.write(shown, (start + end) / 2, top + height / 2 + 0.5, { colour, size: this.row >= 18 ? 11 : 10, align: "center", bold: named === "own" });
    }
    this.pen.fillStyle = colours.paper;
    this.pen.fillRect(right - 0.5, top, 1, height);
    if (!named) return;
    this.pen.lineWidth = 2;
    this.pen.setLineDash(named === "own" ? [] : [3, 3]);
    this.pen.strokeStyle = named === "own" ? colours.own : colours.next;
    this.pen.strokeRect(left + 1, top + 1, Math.max(right - left - 2.5, 1), height - 2);
    this.pen.setLineDash([]);
  }

  drawChoice({ layer, word, column }) {
    const { chosen } = this.lens.colours;
    this.pen.strokeStyle = chosen;
    this.pen.lineWidth = 2;
    if (word !== null) {
      const own = this.cells.map((cell, k) => [cell, k]).filter(([, k]) => this.word(k) === word);
      if (own.length) {
        const [from, to] = [own[0][0][0], own[own.length - 1][0][1]].map(this.x);
        this.pen.strokeRect(from, 1, to - from, HEAD_PX + this.layers * this.row - 2);
      }
    }
    this.pen.strokeRect(this.left, this.top(layer) - 1, this.width, this.row + 1);
    if (column !== null) {
      const [from, to] = this.cells[column].map(this.x);
      this.pen.lineWidth = 3;
      this.pen.strokeRect(from - 1, this.top(layer) - 1, Math.max(to - from, 4) + 2, this.row + 1);
    }
  }

  drawLayerMark({ layer }) {
    const { chosen } = this.lens.colours;
    this.pen.fillStyle = chosen;
    this.pen.fillRect(this.left - 4, this.top(layer), 3, this.row - 1);
  }
}
