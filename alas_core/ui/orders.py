"""From what the user asks for to an analysis, in a background thread.

Everything heavy (torch, transformers, UMAP) is imported here inside generator bodies, which only
a `Runner`'s thread executes: the page itself never waits for an import.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from alas_core import layouts
from alas_core.errors import InputError, TooLongError
from alas_core.fingerprint import fingerprint
from alas_core.layouts import Layout
from alas_core.mode import readonly
from alas_core.models.identity import Loading
from alas_core.types import Analysis, Settings, Utterance, content_sha
from alas_core.ui import references, sources
from alas_core.ui.jobs import State, Step
from alas_core.ui.runners import accelerator, analyses, maps
from alas_core.ui.source import Reading
from alas_core.ui.stepping import stepping

if TYPE_CHECKING:
    from alas_core.models.selfcheck import SelfCheck
    from alas_core.reference import Aligner
    from alas_core.store import Store


@dataclass(frozen=True)
class Order:
    """What the user asks for, in strings and numbers: all that changes the result.

    Parameters
    ----------
    model_id : empty where the source keeps finished analyses.
    data : the key of a source, see `alas_core.ui.sources`.
    utterance_id : one of the source's utterances.
    instruction : None for the utterance's or else the model's own; may hold a template's marks.
    reference : a choice as `alas_core.ui.references` writes it.
    sound : a change of the recording, a name of `alas_core.sounds.SOUNDS`; empty for none.
    part : of a long recording, as `alas_core.parts.Part` is written; empty for all of it.
    said : the words of the part, where a person has typed them.
    """

    model_id: str
    data: str
    utterance_id: str
    instruction: str | None = None
    reference: str = references.POCKETSPHINX
    settings: Settings = field(default_factory=Settings)
    loading: Loading = field(default_factory=Loading)
    sound: str = ""
    part: str = ""
    said: str = ""

    @property
    def digest(self) -> str:
        return content_sha(json.dumps(dataclasses.asdict(self), sort_keys=True))

    @property
    def private(self) -> bool:
        """Whether it uses what a person has brought along, which never goes to the disk."""
        return self.data == sources.YOURS or self.reference.startswith(references.FILE)


def ask(order: Order, reader: str = "") -> State[Analysis]:
    """The order's job, started if need be; `reader` is the session that looks at it."""
    key, of = order.digest, order.utterance_id
    return analyses.ask(key, lambda: _steps(order), _lane(order), reader, of)


def ask_check(order: Order, reader: str = "") -> State[SelfCheck]:
    """Load the order's model and look at what it does with the order's recording."""
    key, of = check_key(order), order.utterance_id
    return accelerator.ask(key, lambda: _check_steps(order), _lane(order), reader, of)


def check_key(order: Order) -> str:
    """Under which `ask_check` keeps its result."""
    return f"check:{order.digest}"


def ask_unload(reader: str = "") -> State[Any]:
    """Let the model go that is held in memory, when nothing uses it."""
    accelerator.forget("unload")
    return accelerator.ask("unload", _unload_steps, "unload", reader)


def _lane(order: Order) -> str:
    """Orders that can share one loaded model."""
    return f"{order.model_id} {order.loading}"


def ask_map(analysis: Analysis, name: str, dimensions: int, layer: int) -> State[Layout]:
    """A layout of all layers, "pca" measured or "umap" made: the layer's first, then the others."""
    steps = _umap_steps if name == "umap" else _pca_steps
    key = f"{fingerprint(analysis, early=True)}:{name}:{dimensions}"
    return maps.ask(key, lambda: steps(analysis, dimensions, layer), of=analysis.utterance.id)


def warm_umap() -> None:
    """Have UMAP imported and compiled in the background, once a process."""
    maps.ask("warm-up", _warm_umap_steps, reader="warm-up")


@cache
def store() -> Store:
    """Where bundles are kept: `ALAS_STORE`, else the user's cache folder."""
    import platformdirs

    from alas_core.store import Store

    return Store(os.environ.get("ALAS_STORE") or platformdirs.user_cache_dir("alas-explorer"))


def _steps(order: Order) -> Iterator[Step[Analysis]]:
    yield Step("reading the recording")
    reading = sources.source(order.data).read(order.utterance_id)
    if reading.analysis is not None:
        yield Step("done", result=reading.analysis)
        return
    if readonly():
        raise InputError(
            "this server is a gallery: it shows kept analyses and computes none; choose one of them"
        )
    yield Step("loading the libraries for speech models")
    from alas_core import pipeline

    if order.part:
        from alas_core.reference import preparing

        yield from stepping(preparing(references.aligner(order.reference, reading.reference)))
        yield Step("placing the words in the whole recording")
    utterance, aligner = _heard(order, reading)
    request = pipeline.Request(
        model_id=order.model_id,
        utterance=utterance,
        reference=aligner,
        settings=order.settings,
        loading=order.loading,
        instruction=_instruction(order, reading),
        pool=reading.pool,
    )
    try:
        for progress in pipeline.steps(request, store=None if order.private else store()):
            yield Step(progress.stage, progress.done, progress.total, progress.analysis)
    except TooLongError as error:
        raise error.after(_starts_s(order)) from None


def _instruction(order: Order, reading: Reading) -> str | None:
    if order.instruction is None:
        return None
    from alas_core.tasks import instruction_for

    return instruction_for(reading.utterance, order.instruction)


def _heard(order: Order, reading: Reading) -> tuple[Utterance, Aligner]:
    """The recording as the order wants it, and who places its words."""
    utterance = reading.utterance
    aligner = references.aligner(order.reference, reading.reference)
    if order.part:
        from alas_core.parts import Part, take_part

        utterance, aligner = take_part(utterance, aligner, Part.parse(order.part), order.said)
    if not order.sound:
        return utterance, aligner
    from alas_core import sounds

    original = utterance.audio
    changed = sounds.changed(original, order.sound)
    label = sounds.SOUNDS[order.sound]
    utterance = dataclasses.replace(utterance, audio=changed, id=f"{utterance.id}, {label}")
    return utterance, sounds.TimesOfTheOriginal(aligner, original)


def _starts_s(order: Order) -> float:
    """Where the order's part begins in its recording."""
    from alas_core.parts import Part

    return Part.parse(order.part).start_s if order.part else 0.0


def _check_steps(order: Order) -> Generator[Step[SelfCheck], None, None]:
    yield Step("reading the recording")
    reading = sources.source(order.data).read(order.utterance_id)
    yield Step("loading the libraries for speech models")
    from alas_core.models.selfcheck import self_check

    check = self_check(
        order.model_id,
        order.loading,
        _heard(order, reading)[0],
        _instruction(order, reading),
        instruction_first=order.settings.instruction_first,
    )
    result = yield from stepping(check)
    yield Step("done", result=result)


def _unload_steps() -> Iterator[Step[Any]]:
    yield Step("letting the model go")
    from alas_core.models import registry

    registry.close()


def _warm_umap_steps() -> Iterator[Step[Layout]]:
    yield Step("loading UMAP")
    from alas_core import projection

    projection.warm_up()


def _pca_steps(analysis: Analysis, dimensions: int, layer: int) -> Iterator[Step[Layout]]:
    del layer  # all of them are there at once
    layout = layouts.pca_layout(analysis, dimensions)
    trust = layout.trust.copy()
    for index in range(len(trust)):
        yield Step("measuring how far the map can be trusted", index, len(trust))
        trust[index] = layouts.trustworthiness(analysis, layout, index)
    yield Step("done", result=dataclasses.replace(layout, trust=trust))


def _umap_steps(analysis: Analysis, dimensions: int, layer: int) -> Iterator[Step[Layout]]:
    yield Step("loading UMAP (10 to 40 s the first time)")
    from alas_core import projection

    layout = layouts.without_own(layouts.pca_layout(analysis, dimensions), "UMAP")
    total = analysis.n_layers + 1
    made = projection.umap_layers(analysis, layer, n_components=dimensions)
    for count, (index, points) in enumerate(made, start=1):
        layout = layouts.with_layer(analysis, layout, index, points)
        shown = count in (1, _FIRST_LAYERS, total // 2, total)
        yield Step("placing the points with UMAP", count, total, layout if shown else None)


_FIRST_LAYERS = 5
"""A reader gets the chosen layer at once, then it and two neighbours on either side."""
