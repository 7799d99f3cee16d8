// What the page's elements share: one puts a thing under a name, another waits for it.
// Each element's script is a module of its own, so the shelf lives on the window.

function shelf() {
  return (globalThis[Symbol.for("alas.shelf")] ??= { things: new Map(), waiting: new Map() });
}

function put(name, thing) {
  const { things, waiting } = shelf();
  things.set(name, thing);
  for (const resolve of waiting.get(name) ?? []) resolve(thing);
  waiting.delete(name);
}

function get(name) {
  const { things, waiting } = shelf();
  if (things.has(name)) return Promise.resolve(things.get(name));
  return new Promise((resolve) => {
    waiting.set(name, [...(waiting.get(name) ?? []), resolve]);
  });
}

function drop(name) {
  shelf().things.delete(name);
}
