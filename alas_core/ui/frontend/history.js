// One step back is one step. Streamlit writes a page's address first and our choices into it after
// its run, each as an entry of the browser's history. Back would lead to the one without choices,
// which says nothing and is filled in again at once: so that entry is replaced, not kept.

const done = Symbol.for("alas.history");

export default function () {
  if (globalThis[done]) return;
  globalThis[done] = true;
  const push = history.pushState.bind(history);
  history.pushState = (state, unused, url) => {
    const next = new URL(url ?? location.href, location.href);
    const filledIn = next.pathname === location.pathname && !location.search;
    if (filledIn) history.replaceState(state, unused, url);
    else push(state, unused, url);
  };
}
