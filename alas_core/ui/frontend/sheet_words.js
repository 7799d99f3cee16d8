// The transcript's words in one row: chosen by a click, coloured by their score, scrolled to.

class WordRow {
  // choose(index, byMouse) and hover(index or null) tell the sheet.
  constructor(choose, hover) {
    Object.assign(this, { choose, hover, chips: [], nodes: [] });
    this.node = element("div", { class: "alas-words", role: "group", "aria-label": "Transcript" });
    this.node.addEventListener("scroll", () => this.fade(), { passive: true });
  }

  // Gives back whether the focus was on a word that is no more.
  build(chips) {
    const held = this.nodes.indexOf(document.activeElement);
    this.chips = chips;
    this.nodes = chips.map((chip, index) => {
      const node = element("button", { type: "button", "aria-pressed": "false" });
      node.textContent = chip.text;
      if (!chip.span) node.classList.add("alas-unplaced");
      node.addEventListener("click", ({ detail }) => this.choose(index, Boolean(detail)));
      node.addEventListener("mouseenter", () => this.hover(index));
      node.addEventListener("mouseleave", () => this.hover(null));
      return node;
    });
    this.node.replaceChildren(...this.nodes);
    this.fade();
    this.nodes[held]?.focus({ preventScroll: true });
    return held >= this.nodes.length;
  }

  show(layer, chosen) {
    this.nodes.forEach((node, index) => {
      const { colours, problem, values, text } = this.chips[index];
      node.style.setProperty("--score", colours[layer] ?? "transparent");
      node.setAttribute("aria-pressed", String(index === chosen));
      node.title = `${text}: ${problem || `${values[layer]} at layer ${layer}`}`;
      node.tabIndex = index === (chosen ?? 0) ? 0 : -1; // one stop for Tab, arrows from there
    });
  }

  get focused() {
    return this.nodes.includes(document.activeElement);
  }

  focus(index) {
    this.nodes[index].focus({ preventScroll: true });
  }

  // Within its row alone: scrollIntoView would take the page away from the view that was clicked.
  bring(index) {
    const { offsetLeft, offsetWidth } = this.nodes[index];
    const { scrollLeft, clientWidth } = this.node;
    this.node.scrollLeft = Math.min(Math.max(scrollLeft, offsetLeft + offsetWidth - clientWidth), offsetLeft);
  }

  // Where words lie beyond an edge, the row fades out there.
  fade() {
    const { scrollLeft, scrollWidth, clientWidth } = this.node;
    this.node.toggleAttribute("data-before", scrollLeft > 2);
    this.node.toggleAttribute("data-after", scrollWidth - clientWidth - scrollLeft > 2);
  }
}
