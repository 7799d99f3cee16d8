// Speech at another speed and the same pitch: waveform similarity overlap-add (Verhelst and
// Roelands 1993). Each piece is taken near where the speed asks for it, at the place that goes on
// best from the piece before.

const PIECE_S = 0.03;
const SEARCH_S = 0.008;
const STRIDE = 4; // samples between the places and points that are compared

function stretch(samples, sampleRate, speed) {
  if (speed === 1) return samples;
  const piece = 2 * Math.round((PIECE_S * sampleRate) / 2);
  const hop = piece / 2;
  const search = Math.round(SEARCH_S * sampleRate);
  const out = new Float32Array(Math.round(samples.length / speed));
  const fade = Float32Array.from({ length: piece }, (_, i) => Math.sin((Math.PI * (i + 0.5)) / piece) ** 2);
  let follow = 0; // where the piece before would go on
  for (let at = 0; at < out.length; at += hop) {
    const wanted = Math.round(at * speed);
    const from = at === 0 ? 0 : likest(samples, wanted, follow, search, piece);
    for (let i = 0; i < piece && at + i < out.length; i += 1) {
      const weight = at === 0 && i < hop ? 1 : fade[i];
      out[at + i] += weight * (samples[from + i] ?? 0);
    }
    follow = from + hop;
  }
  return out;
}

function likest(samples, wanted, follow, search, piece) {
  let best = wanted;
  let highest = -Infinity;
  for (let from = Math.max(wanted - search, 0); from <= wanted + search; from += STRIDE) {
    let product = 0;
    let power = 1e-9;
    for (let i = 0; i < piece; i += STRIDE) {
      const value = samples[from + i] ?? 0;
      product += value * (samples[follow + i] ?? 0);
      power += value * value;
    }
    if (product / Math.sqrt(power) > highest) [best, highest] = [from, product / Math.sqrt(power)];
  }
  return best;
}

// 16-bit WAV, which every browser reads.
function wavFile(samples, sampleRate) {
  const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const text = (at, letters) => [...letters].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
  const words = [[4, 36 + 2 * samples.length], [16, 16], [24, sampleRate], [28, 2 * sampleRate], [40, 2 * samples.length]];
  ["RIFF", "WAVE", "fmt ", "data"].forEach((name, i) => text([0, 8, 12, 36][i], name));
  for (const [at, value] of words) view.setUint32(at, value, true);
  for (const [at, value] of [[20, 1], [22, 1], [32, 2], [34, 16]]) view.setUint16(at, value, true);
  samples.forEach((value, i) => view.setInt16(44 + 2 * i, Math.max(-1, Math.min(1, value)) * 32767, true));
  return new Blob([view], { type: "audio/wav" });
}
