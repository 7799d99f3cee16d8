"""Compare: two of anything, side by side, with the difference and what the nulls differ by."""

import streamlit as st

from alas_core.ui import compare, compared, picture, shell

shell.enter()
first = picture.current()
second = picture.pictured(compare.second_order, picture.COMPARED)
compare.sides(first.analysis, second.analysis)
left, right = st.columns(2)
with left:
    picture.status(first, "status")
with right:
    if picture.busy(first):
        st.caption("B follows when A is there.")  # one line that polls is enough
    else:
        picture.status(second, "status_b")
if first.analysis is None or second.analysis is None:
    picture.placeholder(first if first.analysis is None else second)
else:
    compared.comparison(first.analysis, second.analysis, first.fresh and second.fresh)
