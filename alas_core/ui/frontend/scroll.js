// Brings a part of the page into view once for each new nonce; the page's own reruns move nothing.

const seen = (globalThis[Symbol.for("alas.scrolled")] ??= { nonce: 0 });

export default function ({ data }) {
  if (!data || data.nonce === seen.nonce || data.nonce === 0) return;
  seen.nonce = data.nonce;
  const calm = globalThis.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const part = document.querySelector(data.to);
  part?.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
}
