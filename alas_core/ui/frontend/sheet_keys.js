// The keys of the sheet, which also work in the other views of its analysis, but for those that one
// of them has itself.

class SheetKeys {
  constructor(sheet) {
    this.sheet = sheet;
    this.onKeyAnywhere = (event) => this.onKey(event);
    // Before it comes down: Streamlit listens on the document, too, and takes an R for "run again".
    document.addEventListener("keydown", this.onKeyAnywhere, { capture: true });
  }

  onKey(event) {
    const { root, selection, sheet } = this.sheet;
    if (event.ctrlKey || event.metaKey || event.altKey || !selection) return;
    const { target, key } = event;
    const view = target.closest?.(VIEWS);
    if (!view || (view !== root && view.dataset.analysis !== sheet.analysis)) return;
    if (view.matches(".alas-lens") && ownKey(view, key)) return;
    if (target.matches("select, textarea")) return;
    if (target.matches("input[type=range]") && key.startsWith("Arrow")) return;
    if ([" ", "Enter"].includes(key) && target.matches("button, input[type=checkbox]")) return;
    const act = this.actions()[key.toLowerCase()];
    if (!act) return;
    act();
    event.preventDefault();
    event.stopPropagation();
  }

  actions() {
    const { sheet } = this;
    return {
      " ": () => sheet.togglePlay(),
      r: () => sheet.playChoice(),
      enter: () => sheet.playChoice(),
      escape: () => sheet.choose({ word: null }),
      arrowup: () => this.stepLayer(-1),
      arrowdown: () => this.stepLayer(1),
      arrowleft: () => this.stepWord(-1),
      arrowright: () => this.stepWord(1),
      l: () => sheet.toggleLoop(),
      "+": () => sheet.zoom(0.5),
      "-": () => sheet.zoom(2),
      0: () => sheet.zoom(0),
      ...Object.fromEntries(SPEEDS.map((speed, index) => [index + 1, () => sheet.setSpeed(speed)])),
    };
  }

  stepLayer(step) {
    const { choice, sheet } = this.sheet;
    const layer = Math.min(Math.max(choice.layer + step, 0), sheet.verdicts.length - 1);
    if (layer !== choice.layer) this.sheet.choose({ layer });
  }

  stepWord(step) {
    const { choice, words } = this.sheet;
    const last = words.nodes.length - 1;
    const from = choice.word ?? (step > 0 ? -1 : last + 1);
    const word = Math.min(Math.max(from + step, 0), last);
    if (word === choice.word) return;
    const among = words.focused;
    this.sheet.choose({ word }, true);
    if (among) words.focus(word);
  }

  close() {
    document.removeEventListener("keydown", this.onKeyAnywhere, { capture: true });
  }
}

// The read-out steps from cell to cell, and lets go of the token that it follows.
function ownKey(lens, key) {
  return key.startsWith("Arrow") || (key === "Escape" && Boolean(lens.dataset.followed));
}
