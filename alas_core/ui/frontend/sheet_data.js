// Reads one figure's safetensors file and puts it on the shelf under its own name.

const KINDS = { U8: Uint8Array, U16: Uint16Array, U32: Uint32Array, F32: Float32Array };

function readTensors(bytes) {
  const start = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
  const tensors = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const [from, to] = entry.data_offsets;
    const values = new KINDS[entry.dtype](bytes.slice(start + from, start + to).buffer);
    tensors[name] = { shape: entry.shape, values };
  }
  return { ...JSON.parse(header.__metadata__.sheet), id: header.__metadata__.id, tensors };
}

const mounted = new WeakMap();

export default function ({ data, parentElement }) {
  if (!data) return undefined;
  const before = mounted.get(parentElement);
  if (before?.data !== data) {
    const sheet = readTensors(data);
    if (before && before.id !== sheet.id) drop(before.id);
    mounted.set(parentElement, { data, id: sheet.id });
    put(sheet.id, sheet);
  }
  return () => {
    drop(mounted.get(parentElement)?.id);
    mounted.delete(parentElement);
  };
}
