// Unpacks Plotly (gzip) and loads it once a page; needs no network and no served file.

async function load(packed) {
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const code = await new Response(unpacked).arrayBuffer();
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  await new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = resolve;
    script.onerror = () => reject(new Error("the drawing library could not be loaded"));
    document.head.append(script);
  });
  URL.revokeObjectURL(url);
  return globalThis.Plotly;
}

export default function ({ data }) {
  if (data && !shelf().things.has("plotly")) put("plotly", load(data));
}
