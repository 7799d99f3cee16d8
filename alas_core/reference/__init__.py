"""Word-level time references: one aligner a file, one type out.

>>> from alas_core.reference import get_aligner
>>> get_aligner("pocketsphinx").name
'pocketsphinx 5.1.1 r1'
"""

from alas_core.reference.base import (
    FILE_SUFFIXES,
    Aligner,
    KnownTimes,
    Loads,
    get_aligner,
    preparing,
)
from alas_core.reference.files import FileAligner, from_file, tier_names
from alas_core.reference.praat import to_textgrid

__all__ = [
    "FILE_SUFFIXES",
    "Aligner",
    "FileAligner",
    "KnownTimes",
    "Loads",
    "from_file",
    "get_aligner",
    "preparing",
    "tier_names",
    "to_textgrid",
]
