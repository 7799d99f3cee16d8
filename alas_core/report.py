"""One analysis as one HTML file that opens from disk, plays and answers, without any network.

It holds the very sheet of the Explore page: the same payload, drawn by the same scripts. Only text
is written into the page, and a content policy in its head forbids every connection.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from html import escape
from typing import Any

from alas_core import frontend
from alas_core.citation import bibtex
from alas_core.definitions import SCORES
from alas_core.figures import cross_layer_figure, map_figure
from alas_core.figures.payload import sheet_name, sheet_payload
from alas_core.figures.reading import reading_figure
from alas_core.figures.readout_svg import readout_svg
from alas_core.findings import findings, reading_sentence
from alas_core.layouts import pca_layout
from alas_core.numerals import number
from alas_core.types import Analysis

_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' blob:; style-src 'unsafe-inline'; "
    "connect-src blob:; "
    "img-src data: blob:; media-src data: blob:; base-uri 'none'; form-action 'none'"
)
_STYLE = """
:root { color-scheme: light; }
body { margin: 2rem auto; max-width: 75rem; padding: 0 1.5rem; background: #fff; color: #1b1f23;
  font: 16px/1.5 "Source Sans", "Source Sans 3", "Segoe UI", system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; }
h3 { font-size: 1rem; margin: 1.2rem 0 0; }
.quiet { color: #57606a; }
li { margin: .25rem 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; font-size: .9rem; width: 100%; }
th, td { text-align: left; padding: .3rem .7rem; border-bottom: 1px solid #d8dee4;
  vertical-align: top; overflow-wrap: anywhere; }
td.n, th.n, td.s { white-space: nowrap; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
pre { background: #f6f8fa; padding: .8rem 1rem; overflow-x: auto; font-size: .85rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(24rem, 1fr)); gap: 1.5rem; }
.pair h2 { margin-top: 1rem; }
noscript { display: block; padding: 1rem; border: 1px solid #d55e00; }
"""

_SCRIPT = """
const held = (id) => document.getElementById(id).textContent;
const bytes = (id) => Uint8Array.from(atob(held(id)), (c) => c.charCodeAt(0));
const load = async (id) => {
  const url = URL.createObjectURL(new Blob([bytes(id)], { type: "text/javascript" }));
  try { return (await import(url)).default; } finally { URL.revokeObjectURL(url); }
};
const place = document.getElementById("place");
const choice = JSON.parse(held("choice"));
const data = await load("js-data");
const view = await load("js-sheet");
for (const library of ["plotly", "wavesurfer"]) {
  const mount = await load(`js-${library}`);
  mount({ data: bytes(library), parentElement: document.createElement("div") });
}
data({ data: bytes("sheet"), parentElement: document.createElement("div") });
view({ data: { ...choice, seen: 0 }, parentElement: place, setTriggerValue: () => {} });
const Plotly = await get("plotly");
for (const [id, figure] of Object.entries(JSON.parse(held("figures"))))
  Plotly.newPlot(id, figure.data, figure.layout, { displaylogo: false, responsive: true });
"""


def report_html(
    analysis: Analysis, *, score: str = "alas", layer: int | None = None, word: int | None = None
) -> str:
    """The report of one analysis: sheet with sound, findings, read-out, scores, settings, citation.

    Parameters
    ----------
    analysis : with or without its null
    score : the score whose profile the sheet shows
    layer, word : what it opens at; None for the best layer, and for no word

    Returns
    -------
    str
        A whole HTML document, about 1 MB for the demo utterances.
    """
    title = f"ALAS: {analysis.utterance.transcript}"
    layer = analysis.best_layer if layer is None else layer
    drawn = _drawn(analysis)
    scripts = _scripts(analysis, score, layer, word, drawn)
    body = "\n".join(
        (
            f"<h1>“{_text(analysis.utterance.transcript)}”</h1>",
            f'<p class="quiet">{_text(_subtitle(analysis))}</p>',
            _section("What this says", _list(finding.text for finding in findings(analysis))),
            _warnings(analysis),
            _sheet(),
            _readout(analysis),
            _figures(drawn, analysis.best_layer),
            _section("Scores", _score_table(analysis)),
            _section("How ALAS is defined", _definition()),
            _section("Settings and provenance", _provenance(analysis)),
            _section("Cite", f"<pre>{_text(bibtex(analysis))}</pre>"),
        )
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(title[:120])}</title>\n"
        f"<style>{_STYLE}\n{frontend.style('range', 'sheet')}</style>\n"
        f"</head>\n<body>\n{body}\n{scripts}\n</body>\n</html>\n"
    )


def _text(value: object) -> str:
    return escape(str(value), quote=True)


def _section(title: str, content: str) -> str:
    return f"<section><h2>{_text(title)}</h2>\n{content}</section>"


def _list(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{_text(line)}</li>" for line in lines) + "</ul>"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]], classes: str = "") -> str:
    """Rows of text; `classes` has one letter a column: n numbers, s short text, - the rest."""
    kinds = dict(enumerate(classes))

    def cells(tag: str, row: Sequence[object]) -> str:
        return "".join(
            f'<{tag} class="{kinds.get(column, "-")}">{_text(cell)}</{tag}>'
            for column, cell in enumerate(row)
        )

    lines = [f"<tr>{cells('th', head)}</tr>"] + [f"<tr>{cells('td', row)}</tr>" for row in rows]
    return f"<table>{''.join(lines)}</table>"


def _subtitle(analysis: Analysis) -> str:
    model = analysis.model
    return (
        f"{model.title} ({model.family}, revision {model.revision[:12]}, "
        f"{model.dtype}) · {analysis.utterance.audio.duration_s:.2f} s of audio, "
        f"{analysis.n_frames} frames, {analysis.n_tokens} tokens, {analysis.n_layers + 1} layers · "
        f"reference {analysis.reference.name}"
    )


def _warnings(analysis: Analysis) -> str:
    return _section("Mind", _list(analysis.warnings)) if analysis.warnings else ""


def _sheet() -> str:
    return (
        '<section><h2>Layer by layer</h2><p class="quiet">Choose a word or a cell to hear it; '
        "arrow keys change layer and word, space plays. Frames are the model's audio positions, "
        "tokens its text positions.</p>"
        "<noscript>The interactive sheet needs JavaScript; the numbers below do not.</noscript>"
        '<div id="place"><div class="alas-sheet" tabindex="0" role="group" '
        'aria-label="Alignment sheet"></div></div></section>'
    )


def _drawn(analysis: Analysis) -> dict[str, Any]:
    """The figures beside the sheet, by the element they are drawn in."""
    layer = analysis.best_layer
    drawn = {"map": map_figure(analysis, pca_layout(analysis), layer=layer)}
    if analysis.cross_layer:
        score = "cka" if "cka" in analysis.cross_layer else next(iter(analysis.cross_layer))
        drawn["layers"] = cross_layer_figure(analysis, score=score, layer=layer)
    if analysis.lens is not None:
        drawn["reading"] = reading_figure(analysis, analysis.lens)
    return drawn


def _readout(analysis: Analysis) -> str:
    """What each frame's state would say at each layer, were it the last one."""
    title = "Read-out: what each state would say"
    if analysis.lens is None:
        return _section(
            title,
            "<p>This analysis holds no read-out: it was made by an earlier version, before its "
            "read-out was there, or by a model whose output head cannot be asked.</p>",
        )
    return _section(
        title,
        f"<p>{_text(reading_sentence(analysis, analysis.lens))}</p>"
        '<p class="quiet">The most probable token at each audio frame when its state is taken '
        "through the model's own last step; at layer 0 the nearest input embedding. Rest on a cell "
        "to read it. Chance is one in the size of the vocabulary "
        f"({analysis.model.vocabulary_size:,} tokens).</p>"
        f"{readout_svg(analysis, analysis.lens)}"
        "<h3>At which layer each word is read: share of its frames that name it</h3>"
        '<div id="reading"></div>',
    )


def _figures(drawn: Mapping[str, Any], layer: int) -> str:
    titles = {
        "map": f"Frames and tokens at layer {layer} (PCA)",
        "layers": "Layers of hearing against layers of reading",
    }
    parts = [_section(title, f'<div id="{k}"></div>') for k, title in titles.items() if k in drawn]
    return f'<div class="pair">{"".join(parts)}</div>'


def _score_table(analysis: Analysis) -> str:
    best = analysis.best_layer
    rows = []
    for name, score in SCORES.items():
        values = analysis.scores[name]
        rows.append(
            (
                score.label,
                number(float(values[best])),
                number(float(analysis.baselines[name][best])),
                score.best_place(values),
                score.unit,
                score.definition,
            )
        )
    head = ("Score", f"Layer {best}", "Baseline", "Best", "Unit", "Definition")
    return _table(head, rows, "snnss-")


def _definition() -> str:
    return _list(
        (
            "S[i,k]: cosine of the audio run's state at frame i and the text run's at token k, "
            "one layer at a time.",
            "p[i,k]: softmax of S[i,k] / temperature over k; m[i]: its mass on the word spoken in "
            "frame i; u[i]: that word's share of the tokens.",
            "ALAS = (mean m − mean u) / (1 − mean u): 0 for an even spread, 1 for all mass on the "
            "spoken word. The normalisation is ours; the idea is arXiv:2505.19937.",
            "Null: wrong transcripts with as many words at the same places; band 2.5 to 97.5 %, "
            "p = (1 + number at or above) / (n + 1), Benjamini–Hochberg over layers.",
        )
    )


def _provenance(analysis: Analysis) -> str:
    settings = analysis.key.settings
    known = dict(analysis.provenance)
    rows: list[tuple[str, object]] = [
        ("Utterance", analysis.utterance.id),
        ("Instruction", known.pop("instruction", "")),
        *((name.replace("_", " "), value) for name, value in asdict(settings).items()),
        *((name.replace("_", " "), json.dumps(value)) for name, value in sorted(known.items())),
        ("key", analysis.key.digest),
    ]
    return _table(("Setting", "Value"), rows, "s-")


def _scripts(
    analysis: Analysis, score: str, layer: int, word: int | None, drawn: Mapping[str, Any]
) -> str:
    held = {
        **{name: frontend.packed(name) for name in ("plotly", "wavesurfer")},
        "sheet": sheet_payload(analysis, layer=layer, score=score, alone=True),
        **{
            f"js-{name}": frontend.script(name).encode()
            for name in ("plotly", "wavesurfer", "data", "sheet")
        },
    }
    name = sheet_name(analysis, layer=layer, score=score, fold="time", theme="light", alone=True)
    choice = json.dumps({"id": name, "layer": layer, "word": word, "frame": None, "token": None})
    lines = [
        f'<script type="text/plain" id="{key}">{base64.b64encode(raw).decode()}</script>'
        for key, raw in held.items()
    ]
    figures = {name: json.loads(figure.to_json()) for name, figure in drawn.items()}
    for key, text in (("choice", choice), ("figures", json.dumps(figures, allow_nan=False))):
        safe = text.replace("<", "\\u003c")
        lines.append(f'<script type="application/json" id="{key}">{safe}</script>')
    lines.append(f'<script type="module">{frontend.read("shelf.js")}{_SCRIPT}</script>')
    return "\n".join(lines)
