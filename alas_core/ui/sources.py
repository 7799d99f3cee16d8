"""Where recordings come from: one object a source, in the order of the sidebar's list.

A source lists its utterances under ids, and reads one of them. Listing happens in each run of the
page, so it is light; reading happens in a runner's thread, where there is no session.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from alas_core.errors import InputError
from alas_core.types import Analysis, Utterance
from alas_core.ui import catalogue, gallery, kept_runs, recordings
from alas_core.ui.gallery import BUNDLE
from alas_core.ui.kept_runs import RUN
from alas_core.ui.mode import readonly
from alas_core.ui.shelf import on_shelf

DEMO = "demo"
YOURS = "yours"


@dataclass(frozen=True)
class Reading:
    """An utterance with what its source knows beside it.

    Parameters
    ----------
    utterance
    pool : sentences that wrong transcripts are cut from; None for the bundled ones.
    reference : the file of word times that came with the utterance, if one did.
    analysis : where the source keeps finished ones; nothing is computed then.
    """

    utterance: Utterance
    pool: tuple[str, ...] | None = None
    reference: Path | None = None
    analysis: Analysis | None = None


class Source(Protocol):
    """One entry of the sidebar's "Recordings"."""

    @property
    def label(self) -> str:
        """What the list calls it."""
        ...

    @property
    def finished(self) -> bool:
        """Whether its utterances are analysed already, so that model and settings are given."""
        ...

    def utterances(self) -> dict[str, str]:
        """Id to a label that can be searched; an id alone finds the utterance again."""
        ...

    def read(self, utterance_id: str) -> Reading:
        """One utterance with its sound; imports what it needs, knows nothing of the session.

        Raises
        ------
        AlasError
            If there is no such utterance, or it cannot be used.
        """
        ...

    def tools(self) -> None:
        """Draw what the sidebar offers below the list of utterances."""
        ...


class DemoSource:
    """The shipped recordings."""

    label = "Demo recordings"
    finished = False

    def utterances(self) -> dict[str, str]:
        return catalogue.demo_utterances()

    def read(self, utterance_id: str) -> Reading:
        from alas_core import datasets

        data = datasets.demo()
        return Reading(data.load(utterance_id), data.pool(), data.reference_path(utterance_id))

    def tools(self) -> None:
        """Nothing."""


class OwnSource:
    """What this session's user uploaded or recorded; the ids are places on the shelf."""

    label = "My own: upload or record"
    finished = False

    def utterances(self) -> dict[str, str]:
        return recordings.mine()

    def read(self, utterance_id: str) -> Reading:
        from alas_core import audio

        recording = on_shelf(utterance_id, "recording")
        if not recording.transcript.strip():
            raise InputError(
                f"the transcript of '{recording.name}' is empty, expected the words that are "
                "spoken; type them beside the recording and analyse it again"
            )
        sound = audio.decode(recording.data, name=recording.name)
        return Reading(Utterance(utterance_id, sound, recording.transcript))

    def tools(self) -> None:
        recordings.add_recording(expanded=not self.utterances())


class BundleSource:
    """Kept analyses: bundles in the server's folders, and uploaded ones."""

    label = "Open a bundle: kept analyses"
    finished = True

    def utterances(self) -> dict[str, str]:
        return gallery.labels()

    def read(self, utterance_id: str) -> Reading:
        analysis = gallery.open_kept(utterance_id)
        return Reading(analysis.utterance, analysis=analysis)

    def tools(self) -> None:
        gallery.open_a_bundle()


class RunSource:
    """Utterances of data-set runs, as the Data set page opens them."""

    label = "From a run: the Data set page"
    finished = True

    def utterances(self) -> dict[str, str]:
        return kept_runs.labels()

    def read(self, utterance_id: str) -> Reading:
        analysis = kept_runs.read(utterance_id)
        return Reading(analysis.utterance, analysis=analysis)

    def tools(self) -> None:
        kept_runs.invitation()


_ALWAYS: Mapping[str, Source] = {
    DEMO: DemoSource(),
    YOURS: OwnSource(),
    BUNDLE: BundleSource(),
    RUN: RunSource(),
}


def known() -> dict[str, Source]:
    """The sources under the keys that links and orders name them by; a gallery has bundles only."""
    return {key: one for key, one in _ALWAYS.items() if one.finished or not readonly()}


def source(key: str) -> Source:
    """The source of that key.

    Raises
    ------
    InputError
        If this server has none.
    """
    found = known().get(key)
    if found is None:
        raise InputError(
            f"this server has no recordings under the name {key!r}, expected one of "
            f"{', '.join(known())}; choose one from the list"
        )
    return found
