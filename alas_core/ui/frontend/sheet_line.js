// The chosen word in numbers, as parts of one line; [text, class] each.

function inNumbers({ chips, word_score, frame_word, tensors }, { layer, word, frame }) {
  const seconds = ([from, to]) => `${from.toFixed(2)} – ${to.toFixed(2)} s`;
  if (word === null && frame === null) return [["No word is chosen."]];
  if (word === null) {
    const span = tensors.frame_spans.values.subarray(2 * frame, 2 * frame + 2);
    return [["no word"], [seconds(span)], [`frame ${frame}`]];
  }
  const { text, span, problem, values, taken_for, shift } = chips[word];
  if (!span) return [[`‘${text}’`], [problem]];
  const frames = frame_word.filter((own) => own === word).length;
  const length = `${Math.round(1000 * (span[1] - span[0]))} ms · ${frames} ${frames === 1 ? "frame" : "frames"}`;
  return [
    [`‘${text}’`], [seconds(span)], [length, "alas-extra"], [`${word_score} ${values[layer]} at layer ${layer}`],
    [taken_for[layer]], [shift[layer], "alas-extra"],
  ].filter(([said]) => said);
}
