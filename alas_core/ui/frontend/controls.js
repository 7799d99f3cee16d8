// The bar above the sheet: sound and its speed, zoom, layer; and what the keys mean.

function button(label, title, act) {
  const node = element("button", { type: "button", title }, label);
  node.addEventListener("click", act);
  return node;
}

function toggle(label, title, on, act = () => {}) {
  const box = element("input", { type: "checkbox" });
  box.checked = on;
  box.addEventListener("change", () => act(box.checked));
  return [element("label", { title }, box, label), box];
}

const KEYS = "Keys: space plays · R or Enter the chosen word again · ← → word · ↑ ↓ layer · 1 to 9 speed, "
  + "5 is normal · L loops · + − 0 zoom · Esc lets go. Choose any cell, word or dot to hear and see it everywhere.";

// The parts of the bar, made once; `does` says what each of them is for.
function buildBar(does) {
  const bar = { play: button("Play", "Play or pause (space)", does.play) };
  bar.clock = element("span", { class: "alas-clock", "aria-hidden": "true" });
  bar.speed = element("select", { "aria-label": "Speed", title: "Speed, at the same pitch (keys 1 to 9)" });
  bar.speed.append(...SPEEDS.map((speed) => element("option", { value: speed }, `${speed}×`)));
  bar.speed.value = 1;
  bar.speed.addEventListener("change", () => does.speed(Number(bar.speed.value)));
  let loop, hear, hover;
  [loop, bar.loop] = toggle("Loop", "Play the word again and again (L)", false, does.loop);
  [hover, bar.hover] = toggle("Play on hover", "Play a word when the mouse rests on it", false);
  [hear, bar.hear] = toggle("Play on click", "Play a word when it is chosen", true);
  const zoom = element("span", { class: "alas-zoom" },
    button("−", "Zoom out (−)", () => does.zoom(2)),
    button("+", "Zoom in on the chosen word, or on the middle (+)", () => does.zoom(0.5)),
    button("Reset zoom", "See all of it (0, or double click)", () => does.zoom(0)),
    button("SVG", "Save the sheet as an SVG file", does.save));
  bar.slider = element("input", { class: "alas-range", type: "range", min: 0, max: 0, step: 1, "aria-label": "Layer" });
  bar.slider.addEventListener("input", () => does.layer(Number(bar.slider.value)));
  bar.layer = element("span", { class: "alas-layer" });
  bar.rows = [
    element("div", { class: "alas-bar" }, bar.play, bar.clock, bar.speed, loop, hear, hover, zoom),
    element("div", { class: "alas-bar" },
      element("label", { class: "alas-slider" }, "Layer", bar.slider), bar.layer),
  ];
  return bar;
}
