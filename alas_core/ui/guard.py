"""The last net under a page: a mistake of the program is logged and said, never spilled."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

import streamlit as st

from alas_core.errors import AlasError
from alas_core.ui.defects import defect_text, new_log_id
from alas_core.ui.text import plain

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def guarded(where: str) -> Iterator[None]:
    """Show an `AlasError` as its text and anything else as a defect with its log id.

    Streamlit's own signals (stop, rerun) are no `Exception` and pass.
    """
    try:
        yield
    except AlasError as error:
        st.error(plain(error), icon=":material/error:")
    except Exception:
        log_id = new_log_id()
        logger.exception("defect %s in %s", log_id, where)
        st.error(plain(defect_text(log_id)), icon=":material/error:")
