// The same buttons for a figure that Streamlit draws (many points, by WebGL). Our Plotly draws its
// points anew as vectors, as they are seen at the moment.

// Plotly keeps the unpacked numbers beside the packed ones.
const asSent = (key, value) => (key === "_inputArray" ? undefined : value);

export default function ({ data, parentElement }) {
  if (!data) return;
  const save = async (format) => {
    const plot = document.querySelector(`.st-key-${data.figure} .js-plotly-plot`);
    if (!plot?.layout) return;
    const seen = JSON.stringify({ data: plot.data, layout: plot.layout }, asSent);
    if (format === "json") return saveJson(seen, data.filename);
    const traces = JSON.parse(seen).data;
    for (const trace of traces) if (trace.type === "scattergl") trace.type = "scatter";
    saveImage(await get("plotly"), plot, traces, format, data.filename);
  };
  parentElement.querySelector(".alas-save").replaceChildren(saveBar(save));
  // Streamlit's place for it, which is there before the figure and stays.
  const place = document.querySelector(`.st-key-${data.figure}`);
  place?.setAttribute("role", "group");
  place?.setAttribute("aria-label", data.label);
}
