"""BibTeX of the paper and of this program, with what a result came from."""

from __future__ import annotations

from dataclasses import asdict

from alas_core import __version__
from alas_core.types import Analysis

PAPER = """@misc{mousavi2025alas,
  title  = {{ALAS}: Measuring Latent Speech-Text Alignment For Spoken Language Understanding
            In Multimodal {LLMs}},
  author = {Mousavi, Pooneh and Wang, Yingzhi and Ravanelli, Mirco and Subakan, Cem},
  year   = {2025},
  eprint = {2505.19937},
  archivePrefix = {arXiv}
}"""
"""The paper that the score follows."""

_ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash ",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde ",
        "^": r"\textasciicircum ",
        **{char: f"\\{char}" for char in "#$%&_"},
    }
)


def bibtex(analysis: Analysis) -> str:
    """Two entries: the paper, and this program with the provenance of one analysis as its note."""
    version = str(analysis.provenance.get("alas_core", __version__))
    year = str(analysis.provenance.get("created", ""))[:4]
    fields = {
        "title": "{ALAS} Explorer",
        "author": "{The ALAS Explorer maintainers}",
        "version": _tex(version),
        **({"year": year} if year.isdigit() else {}),
        "note": _tex(_note(analysis)),
    }
    body = ",\n".join(f"  {name:<7}= {{{value}}}" for name, value in fields.items())
    return f"{PAPER}\n\n@software{{alas_explorer,\n{body}\n}}\n"


def _note(analysis: Analysis) -> str:
    model, settings = analysis.model, asdict(analysis.key.settings)
    chosen = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in settings.items())
    return (
        f"Model {model.model_id} (revision {model.revision}, {model.dtype}); reference "
        f"{analysis.reference.name}; settings: {chosen}; analysis {analysis.key.digest}"
    )


def _tex(text: str) -> str:
    """Text that BibTeX and LaTeX set letter by letter, on one line."""
    return " ".join(text.split()).translate(_ESCAPES)
