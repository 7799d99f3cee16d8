// The buttons below a figure, and what they save: SVG and PNG by Plotly, JSON with the numbers.

function saveBar(save) {
  const bar = document.createElement("div");
  bar.className = "alas-chart-bar";
  bar.append("Save figure: ");
  for (const format of ["SVG", "PNG", "JSON"]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = format;
    button.title = `Save this figure as ${format}`;
    button.addEventListener("click", () => save(format.toLowerCase()));
    bar.append(button);
  }
  return bar;
}

// The figure as it is seen, drawn anew: in a file the page's own font is not at hand, and texts
// that were measured with it would be cut.
function saveImage(Plotly, plot, data, format, filename) {
  const layout = JSON.parse(JSON.stringify(plot.layout));
  layout.font = { ...layout.font, family: "Arial, Helvetica, sans-serif" };
  const size = { width: plot.clientWidth, height: plot.clientHeight };
  const scale = format === "png" ? 3 : 1;
  return Plotly.downloadImage({ data, layout }, { format, scale, filename, ...size });
}

function saveJson(text, filename) {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = Object.assign(document.createElement("a"), { href: url });
  link.download = `${filename}.json`;
  link.click();
  URL.revokeObjectURL(url);
}
