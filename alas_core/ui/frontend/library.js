// Unpacks a library (gzip) and loads it once a page; needs no network and no served file.
// LIBRARY says under which name the others wait for it, and which global its script sets.

async function load(packed) {
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const code = await new Response(unpacked).arrayBuffer();
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  await new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = resolve;
    script.onerror = () => reject(new Error(`the library ${LIBRARY.name} could not be loaded`));
    document.head.append(script);
  });
  URL.revokeObjectURL(url);
  return globalThis[LIBRARY.global];
}

export default function ({ data }) {
  if (data && !shelf().things.has(LIBRARY.name)) put(LIBRARY.name, load(data));
}
