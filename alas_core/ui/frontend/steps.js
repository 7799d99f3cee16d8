// To the utterance before and the one after. However fast the clicks come, all of them count: the
// place moves on here at once, and Python is told where it came to rest.

const REST_MS = 250;
const PATIENCE_MS = 4000; // until then what Python sends may be older than what it was told

class Steps {
  constructor(parent) {
    const button = (label, step) => {
      const node = element("button", { type: "button" }, label);
      node.addEventListener("click", () => this.move(step));
      return node;
    };
    [this.before, this.after] = [button("‹ Previous", -1), button("Next ›", 1)];
    this.where = element("span", { role: "status" });
    parent.querySelector(".alas-steps").replaceChildren(this.before, this.where, this.after);
    Object.assign(this, { telling: null, told: null, toldAt: -Infinity });
  }

  update({ place, count, id }) {
    const other = id !== this.id;
    Object.assign(this, { count, id });
    if (other) this.telling = clearTimeout(this.telling) ?? null; // it was a place of the list before
    if (other || place === this.told) this.told = null; // Python has caught up
    const older = this.told !== null && performance.now() - this.toldAt < PATIENCE_MS;
    this.show(!other && (this.telling || older) ? this.place : place);
  }

  move(step) {
    this.show(Math.min(Math.max(this.place + step, 0), this.count - 1));
    clearTimeout(this.telling);
    this.telling = setTimeout(() => {
      Object.assign(this, { telling: null, told: this.place, toldAt: performance.now() });
      this.tell(this.place);
    }, REST_MS);
  }

  show(place) {
    this.place = place;
    this.where.textContent = `${place + 1} of ${this.count}`;
    this.before.disabled = place <= 0;
    this.after.disabled = place >= this.count - 1;
  }
}

const steps = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  if (!steps.has(parentElement)) steps.set(parentElement, new Steps(parentElement));
  const view = steps.get(parentElement);
  view.tell = (to) => setTriggerValue("to", { place: to, id: view.id });
  if (data) view.update(data);
  return () => {
    clearTimeout(view.telling);
    steps.delete(parentElement);
  };
}
