"""Data set: a run over many utterances, from one sentence down to a single recording."""

from alas_core.ui import corpus, shell

shell.enter()
corpus.page()
