"""`Analysis` to plotly figure: pure functions, no disk, no streamlit, nothing measured anew."""

from alas_core.figures import whole_modules
from alas_core.figures.layers import cross_layer_figure
from alas_core.figures.map import map_figure
from alas_core.figures.profile import profile_figure
from alas_core.figures.sheet import sheet_figure

__all__ = ["cross_layer_figure", "map_figure", "profile_figure", "sheet_figure"]

whole_modules.install()
