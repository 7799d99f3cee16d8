"""Every error a user may see. A message says what, got, expected and remedy, in one paragraph.

Pages and the command line catch `AlasError` and nothing else; anything else is a defect.
"""


class AlasError(Exception):
    """Base of all errors whose text is written for the user."""


class InputError(AlasError):
    """Audio, transcript, setting or argument that cannot be used as given."""


class AlignmentError(AlasError):
    """No reference alignment could be made or read."""


class ModelError(AlasError):
    """A model cannot be found, loaded or run."""


class StoreError(AlasError):
    """A bundle cannot be read, written or understood."""
