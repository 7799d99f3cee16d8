"""What a person is told of a mistake of the program, and how the log is found that has the rest.

Without Streamlit: what runs in a thread of its own has defects, too, and no page.
"""

from __future__ import annotations

import uuid


def new_log_id() -> str:
    """Ties what the user is told to what the log says."""
    return uuid.uuid4().hex[:8]


def defect_text(log_id: str) -> str:
    """What a user is told of a defect."""
    return (
        "This is a defect of the program, not of your input. The server's log has the details "
        f"under {log_id}; please report them. Other recordings, models and pages still work."
    )
