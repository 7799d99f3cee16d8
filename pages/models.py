"""Models: what runs here, how the chosen one is loaded, and what exactly it compares."""

import streamlit as st

from alas_core.ui import models, shell

shell.enter()
st.title("Models")
st.header("The chosen model", divider="gray")
models.chosen_model()
st.header("Families", divider="gray")
models.families()
st.header("What could not be verified", divider="gray")
models.unverified()
