"""Method: what is measured, worked out on a matrix small enough to follow by hand."""

import streamlit as st

from alas_core.ui import colours, look, method, shell

shell.enter()
st.title("How binding is measured")
method.definition()
st.header("A worked example", divider="gray")
method.worked_example()
st.header("A score without a null is not a result", divider="gray")
method.null()
st.header("Every score", divider="gray")
method.every_score()
st.header("Layers against layers", divider="gray")
method.likeness()
st.header("Settings and limits", divider="gray")
method.settings_and_limits()
st.header("Colours", divider="gray")
colours.legend(look.theme())
st.header("Sources", divider="gray")
method.sources()
