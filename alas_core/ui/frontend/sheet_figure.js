// The sheet's own manners: word names that fit, zoom of all panels, places in seconds and tokens.

class SheetFigure extends LinkedFigure {
  // Plotly's own double click goes back to what the first analysis in this place showed.
  config = { ...CONFIG, doubleClick: false };

  // Word names that fit their cell at the present zoom, cut names where most of one fits.
  fitLabels() {
    const labels = this.data.find((trace) => trace.name === "word labels");
    const axis = this.div._fullLayout?.xaxis;
    if (!axis || !labels) return false;
    const pen = (this.pen ??= document.createElement("canvas").getContext("2d"));
    pen.font = `${labels.textfont.size}px ${getComputedStyle(this.div).fontFamily}`;
    const words = this.made.chips.filter((chip) => chip.span);
    const text = words.map((chip) => {
      const room = axis.l2p(chip.span[1]) - axis.l2p(chip.span[0]) - 3;
      return escapeLabel(fit(pen, chip.text, room));
    });
    if (text.join("\n") === (labels.text ?? []).join("\n")) return false;
    labels.text = text;
    this.revision += 1;
    return true;
  }

  draw() {
    this.drawn = super.draw().then(() => {
      if (this.fitLabels()) return super.draw();
    });
    return this.drawn;
  }

  refit() {
    return this.fitLabels() ? super.draw() : this.drawn;
  }

  resetZoom() {
    const { xaxis, yaxis5 } = this.made.ranges;
    return this.zoom([...xaxis], [...yaxis5]);
  }

  // So many seconds around a time, within what there is.
  lookAt(middle, seconds) {
    const [first, last] = this.made.ranges.xaxis;
    const width = Math.min(Math.max(seconds, 0.05), last - first);
    const from = Math.min(Math.max(middle - width / 2, first), last - width);
    return this.zoom([from, from + width]);
  }

  // Where the waveform lies on the stage: on the sound's panel, above its lower half.
  lanePlace({ duration, peak }) {
    const { xaxis, yaxis2 } = this.div._fullLayout ?? {};
    if (!xaxis) return null;
    const [from, to] = [Math.max(xaxis.range[0], 0), Math.min(xaxis.range[1], duration)];
    if (from >= to) return null;
    const scale = xaxis._length / (xaxis.range[1] - xaxis.range[0]);
    const top = yaxis2._offset + yaxis2.l2p(peak);
    return {
      left: xaxis._offset + xaxis.l2p(from), width: (to - from) * scale, scale, start: from,
      top, height: yaxis2._offset + yaxis2.l2p(-peak) - top,
    };
  }

  // On the page wavesurfer draws the waveform; a saved picture has Plotly's. What is in view stays:
  // Plotly itself (uirevision) keeps a zoom by mouse, not one by keys and buttons.
  setFigure(made) {
    const seen = made.analysis === this.made?.analysis ? this.div._fullLayout : null;
    super.setFigure(made);
    for (const name of seen ? Object.keys(made.ranges) : []) {
      this.layout[name] = { ...this.layout[name], range: [...seen[name].range] };
    }
    this.waveform(!made.lane);
  }

  waveform(visible) {
    for (const trace of this.data) if (trace.name === "waveform") trace.visible = visible;
    this.revision += 1;
  }

  save(options) {
    this.waveform(true);
    return super.save(options).finally(() => this.waveform(!this.made.lane));
  }

  zoom(time, tokens) {
    const change = { "xaxis.range": time };
    if (tokens) change["yaxis5.range"] = tokens;
    return this.Plotly.relayout(this.div, change);
  }

  // The seconds to be seen, or null for all of them.
  get zoomed() {
    const [whole, seen] = [this.made.ranges.xaxis, this.axis?.range ?? this.made.ranges.xaxis];
    return seen.every((end, side) => Math.abs(end - whole[side]) < 1e-6) ? null : [...seen];
  }

  get axis() {
    return this.div._fullLayout?.xaxis;
  }

  // Pixels from the left of the plot, or null where the zoom hides that time.
  pixelOf(time) {
    if (!this.axis) return null;
    const pixel = this.axis.l2p(time);
    return pixel < -1 || pixel > this.axis._length + 1 ? null : this.axis._offset + pixel;
  }

  // What a click in a panel means, in seconds, layers and tokens.
  panelPlace(point) {
    const { xaxis, yaxis } = point.data;
    const place = { time: null, layer: null, token: null };
    if ((xaxis ?? "x") === "x") place.time = point.x;
    if (yaxis === "y4") place.layer = Math.round(point.y);
    if (yaxis === "y5") place.token = Math.round(point.y);
    return place;
  }
}

const escapeLabel = (text) =>
  text.replace(/[&<>$]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", $: "&#36;" })[c]);

function fit(pen, text, room) {
  if (pen.measureText(text).width <= room) return text;
  for (let length = text.length - 1; length >= 2; length -= 1) {
    const cut = `${text.slice(0, length)}…`;
    if (pen.measureText(cut).width <= room) return cut;
  }
  return "";
}
