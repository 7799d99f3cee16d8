// Beside the grid: the first ten tokens of the chosen cell, and one token followed through layers.

const SVG = "http://www.w3.org/2000/svg";

function drawn(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function two(value) {
  if (value <= 0) return "0";
  if (value < 0.0001) return "< 0.0001";
  return value >= 0.995 ? "1.0" : value.toFixed(Math.max(1 - Math.floor(Math.log10(value)), 1)).slice(0, 7);
}

class LensDetail {
  constructor(root, follow) {
    this.root = root;
    this.follow = follow;
  }

  show(grid, { layer, column }, followed) {
    if (column === null) {
      this.replace(
        element("p", { class: "alas-lens-hint" }, "Choose a cell to see its ten most probable tokens, and to follow one of them through the layers."),
      );
      return "";
    }
    const { words, colours, vocabulary, tokens, frames } = grid.lens;
    const word = grid.word(column);
    const where = grid.side === "text"
      ? `token ‘${tokens[column]}’`
      : frames[column];
    const spoken = word >= 0 ? ` · ‘${words[word].text}’` : " · no word";
    const title = `Layer ${layer} · ${where}${grid.side === "text" ? "" : spoken}`;
    const rows = Array.from({ length: grid.kept }, (_, place) => this.row(grid, layer, column, place, followed));
    const unit = layer === 0 ? "cosine with the input embedding" : "probability";
    const list = element("ol", { class: "alas-lens-top", "aria-label": `Most probable tokens, ${title}` }, ...rows);
    const parts = [element("div", { class: "alas-lens-title" }, title), element("div", { class: "alas-lens-unit" }, unit), list];
    if (followed !== null) parts.push(this.trail(grid, layer, column, followed, colours));
    this.replace(...parts);
    const named = { own: ", the word itself", next: ", the word after it" }[grid.names(layer, column)] ?? "";
    return `${title}: ‘${vocabulary[grid.token(layer, column)]}’ ${two(grid.share(layer, column))}${named}`;
  }

  // The buttons are made anew with each cell; a reader who is on one of them stays on its place.
  replace(...parts) {
    const buttons = () => [...this.root.querySelectorAll("button")];
    const held = buttons().indexOf(document.activeElement);
    this.root.replaceChildren(...parts);
    if (held >= 0) (buttons()[held] ?? this.root.closest(".alas-lens")).focus({ preventScroll: true });
  }

  row(grid, layer, column, place, followed) {
    const { vocabulary, colours } = grid.lens;
    const token = grid.token(layer, column, place);
    const share = grid.share(layer, column, place);
    const named = place === 0 ? grid.names(layer, column) : "";
    const button = element("button", { type: "button", "aria-pressed": String(token === followed), title: "Follow this token through the layers" });
    const bar = element("span", { class: "alas-lens-bar" });
    bar.style.width = `${Math.round(share * 100)}%`;
    const text = element("span", { class: "alas-lens-token" }, vocabulary[token]);
    if (named) text.style.borderBottom = `2px ${named === "own" ? "solid" : "dashed"} ${colours[named]}`;
    button.append(bar, text, element("span", { class: "alas-lens-value" }, two(share)));
    button.addEventListener("click", () => this.follow(token === followed ? null : token));
    return element("li", {}, button);
  }

  // The followed token at this position, layer by layer; hollow where it is not among the ten.
  trail(grid, layer, column, token, colours) {
    const [width, height, left, right, top] = [210, 132, 26, 8, 6];
    const x = (share) => left + share * (width - left - right);
    const y = (l) => top + (l / Math.max(grid.layers - 1, 1)) * (height - top - 30);
    const known = Array.from({ length: grid.layers }, (_, l) => {
      const place = grid.find(l, column, token);
      return place < 0 ? null : grid.share(l, column, place);
    });
    const figure = drawn("svg", { viewBox: `0 0 ${width} ${height}`, class: "alas-lens-trail", role: "img" });
    const said = known.map((share, l) => `layer ${l}: ${share === null ? "below the tenth" : two(share)}`).join("; ");
    figure.append(drawn("title", {}, `‘${grid.lens.vocabulary[token]}’ through the layers. ${said}`));
    for (const share of [0, 0.5, 1]) {
      figure.append(
        drawn("line", { x1: x(share), x2: x(share), y1: top, y2: height - 28, stroke: colours.line }),
        drawn("text", { x: x(share), y: height - 17, "text-anchor": "middle", class: "alas-lens-tick" }, String(share)),
      );
    }
    figure.append(
      drawn("text", { x: x(0.5), y: height - 3, "text-anchor": "middle", class: "alas-lens-tick" }, "probability"),
      drawn("line", { x1: left, x2: width - right, y1: y(layer), y2: y(layer), stroke: colours.chosen, "stroke-width": 2 }),
    );
    const points = known.map((share, l) => `${x(share ?? 0)},${y(l)}`).slice(1).join(" ");
    figure.append(drawn("polyline", { points, fill: "none", stroke: colours.ink, "stroke-width": 1.5 }));
    known.forEach((share, l) => {
      const fill = share === null ? colours.paper : l === 0 ? colours.muted : colours.ink;
      figure.append(drawn("circle", { cx: x(share ?? 0), cy: y(l), r: grid.layers > 20 ? 2 : 3, fill, stroke: l === 0 ? colours.muted : colours.ink }));
      if (l % Math.ceil(grid.layers / 8) === 0) {
        figure.append(drawn("text", { x: left - 6, y: y(l) + 3, "text-anchor": "end", class: "alas-lens-tick" }, String(l)));
      }
    });
    const stop = element("button", { type: "button", class: "alas-lens-stop", title: "Show the first tokens again (Escape)" }, "Stop");
    stop.addEventListener("click", () => this.follow(null));
    const what = element("span", { class: "alas-lens-unit" }, `Following ‘${grid.lens.vocabulary[token]}’; hollow: below the ten `);
    return element("div", { class: "alas-lens-follow" }, what, stop, figure);
  }
}
