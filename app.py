"""ALAS Explorer: how a speech LLM binds audio frames to words, layer by layer."""

import streamlit as st

from alas_core.resources import asset_path
from alas_core.ui import controls, guard, picture, shell, url

st.set_page_config("ALAS Explorer", str(asset_path("icon.png")), layout="wide")
url.adopt()
page = shell.navigation()
with guard.guarded("the sidebar"):
    controls.sidebar()
    picture.current()
    controls.layer_and_score(picture.on_screen())
with guard.guarded(page.title):
    page.run()
controls.publish()
