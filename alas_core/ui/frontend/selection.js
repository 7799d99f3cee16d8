// What is chosen on this page: one object an analysis, shared by every element that shows it.
//
// Each element's script is a module of its own, so the selections live on the window. To take part,
// put this file before your own script (`PARTS` in alas_core/frontend.py), let Python
// name the analysis (`analysis.key.digest`), and:
//
//   const chosen = selection(data.analysis);
//   const leave = chosen.subscribe((state, event) => draw(state));  // in the clean-up: leave()
//   chosen.pick({ word: 2, frame: 20 }, true);                      // a click of the reader
//
// `state` has `layer` (0 to n_layers), `word`, `frame`, `token` (an index, or null), `playhead`
// (seconds, or null while nothing is played or paused) and `range` (the seconds that the sheet's
// zoom shows, [from, to], or null for all). A listener is called at once if a layer is known, and
// after each change; `event` has
//   change  the parts of the state that are new
//   picked  true if a reader chose it: the sheet then tells Python, nobody else needs to
//   hear    true if the reader should hear it: the sheet then plays the word's (or frame's) span
//   stir    true if only playhead or range moved: the first comes with every screen frame, so that
//           who shows neither should leave all alone

class Selection {
  constructor() {
    this.state = { layer: null, word: null, frame: null, token: null, playhead: null, range: null };
    this.listeners = new Set();
  }

  subscribe(listener) {
    this.listeners.add(listener);
    if (this.state.layer !== null) {
      listener(this.state, { change: { ...this.state }, picked: false, hear: false, stir: false });
    }
    return () => this.listeners.delete(listener);
  }

  // A choice of the reader, in any view. Another layer alone leaves the rest as it is; otherwise a
  // frame or token that is not named is given up.
  pick(change, hear = false) {
    const rest = Object.keys(change).every((name) => name === "layer") ? {} : { frame: null, token: null };
    this.publish({ ...rest, ...change }, { picked: true, hear });
  }

  // What Python says, which need not be told to it again.
  follow(change) {
    this.publish(change, { picked: false, hear: false });
  }

  // Where the sound is, from the player.
  move(playhead) {
    this.publish({ playhead }, { picked: false, hear: false, stir: true });
  }

  // What the sheet's zoom shows of the time.
  look(range) {
    if (String(range) === String(this.state.range)) return;
    this.publish({ range }, { picked: false, hear: false, stir: true });
  }

  publish(wanted, { stir = false, ...event }) {
    const differs = ([name, value]) => this.state[name] !== value;
    const change = Object.fromEntries(Object.entries(wanted).filter(differs));
    if (Object.keys(change).length === 0 && !event.picked) return;
    Object.assign(this.state, change);
    for (const listener of [...this.listeners]) {
      try {
        listener(this.state, { change, stir, ...event });
      } catch (error) {
        reportError(error); // one view's trouble must not silence the others
      }
    }
  }
}

function selection(analysis) {
  const held = (globalThis[Symbol.for("alas.selections")] ??= new Map());
  if (!held.has(analysis)) held.set(analysis, new Selection());
  return held.get(analysis);
}
