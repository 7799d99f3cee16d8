"""Where recordings come from: one object a source, in the order of the sidebar's list."""

from __future__ import annotations

from collections.abc import Mapping

from alas_core.errors import InputError
from alas_core.mode import readonly
from alas_core.types import Utterance
from alas_core.ui import catalogue, folders, gallery, kept_runs, recordings
from alas_core.ui.folders import HUB, FolderSource
from alas_core.ui.gallery import BUNDLE
from alas_core.ui.kept_runs import RUN
from alas_core.ui.shelf import on_shelf
from alas_core.ui.source import Reading, Source

DEMO = "demo"
YOURS = "yours"


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

    def invite(self) -> None:
        """Nothing: the demo is never empty."""


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
        times = on_shelf(recording.reference, "reference file") if recording.reference else None
        return Reading(Utterance(utterance_id, sound, recording.transcript), reference=times)

    def tools(self) -> None:
        recordings.add_recording(expanded=not self.utterances())

    def invite(self) -> None:
        recordings.invite()


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

    def invite(self) -> None:
        gallery.invite()


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

    def invite(self) -> None:
        """Nothing beyond what the sidebar says."""


_ALWAYS: Mapping[str, Source] = {
    DEMO: DemoSource(),
    YOURS: OwnSource(),
    BUNDLE: BundleSource(),
    RUN: RunSource(),
}


def known() -> dict[str, Source]:
    """The sources under the keys that links and orders name them by; a gallery has bundles only."""
    if readonly():
        return {key: one for key, one in _ALWAYS.items() if one.finished}
    return {**_ALWAYS, **{place: FolderSource(place) for place in folders.places()}}


def source(key: str) -> Source:
    """The source of that key: one of the list, or a data set of the server or hub with options.

    Raises
    ------
    InputError
        If this server has none.
    """
    found = known().get(key)
    if found is not None:
        return found
    named = FolderSource(key)
    if not readonly() and (named.place in folders.places() or key.startswith(HUB)):
        return named
    hub = (
        ""
        if readonly()
        else f", or a data set of the Hugging Face hub as {HUB}owner/name?split=test"
    )
    raise InputError(
        f"this server has no recordings under the name {key!r}, expected one of "
        f"{', '.join(known())[:300]}{hub}; choose one from the list"
    )


def needs_a_person(key: str) -> bool:
    """Whether a link alone must not open it: the hub's data sets may be of any size."""
    return key.startswith(HUB)
