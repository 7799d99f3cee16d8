"""Explore: one recording, one model, every layer."""

from alas_core.ui import panels, picture, shell

shell.enter()
shown = picture.current()
picture.status(shown)
if shown.analysis is None:
    picture.placeholder(shown)
else:
    panels.explore(shown.analysis, shown.fresh)
