// The page's own address, to be copied. The browser alone knows it whole: behind a proxy, below a
// sub-path. In a page that frames this one (a Space) no address bar shows it.

const LOOK_EVERY_MS = 200; // Streamlit changes the address without an event, after a run of the page
const SAID_FOR_MS = 2000;

export default function ({ data, parentElement }) {
  if (!data) return;
  const field = parentElement.querySelector("input");
  const button = parentElement.querySelector("button");
  const show = () => {
    if (field.value !== globalThis.location.href) field.value = globalThis.location.href;
  };
  show();
  const looking = setInterval(show, LOOK_EVERY_MS);
  field.onfocus = () => field.select();
  button.onclick = async () => {
    show();
    field.select();
    let said = "Copied";
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      // Plain http from another machine has no clipboard for scripts; the old way has.
      if (!document.execCommand("copy")) said = "Press Ctrl+C";
    }
    button.textContent = said;
    setTimeout(() => (button.textContent = data.label), SAID_FOR_MS);
  };
  return () => clearInterval(looking);
}
