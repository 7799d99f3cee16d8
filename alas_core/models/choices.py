"""What can be chosen: the built-in models, those on this machine, and checkpoints of the hub.

Nothing here needs torch or transformers, so the app starts before they do.
"""

from __future__ import annotations

from dataclasses import dataclass

from alas_core.models import identity as ids
from alas_core.models import plugins, registry
from alas_core.models.facts import FAMILIES
from alas_core.models.installed import installed


@dataclass(frozen=True)
class ModelChoice:
    """One row of the model selector."""

    id: str
    label: str
    description: str


def choices() -> tuple[ModelChoice, ...]:
    """The built-in models, those on this machine, then checkpoints of the hub by name.

    Nothing is fetched or loaded by being listed. `ALAS_MODELS` shortens the list.
    """
    built_in = (
        ModelChoice(
            registry.DEMO,
            "Demo",
            "A small Qwen2-Audio trained on synthetic speech; ships with ALAS",
        ),
        ModelChoice(
            registry.DEMO_UNTRAINED, "Demo, untrained", "The same architecture, random weights"
        ),
    )
    given = tuple(
        ModelChoice(name, model.info.name or name, model.info.family)
        for name, model in registry.registered().items()
    )
    given += tuple(
        ModelChoice(name, name, f"Plug-in: {plugins.revision(entry)}")
        for name, entry in plugins.offered().items()
        if ids.is_allowed(name)
    )
    here = tuple(ModelChoice(one.model_id, one.name, one.family.label) for one in installed())
    known = {choice.id for choice in here}
    rest = tuple(choice for choice in _offered() if choice.id not in known)
    return built_in + given + tuple(c for c in here + rest if ids.is_allowed(c.id))


def _offered() -> list[ModelChoice]:
    """Checkpoints of the hub: those of the table, and those that the server's list names."""
    offered = [
        ModelChoice(
            hub_id,
            f"{row.label} · {hub_id}",
            f"{row.label}, to be downloaded from the Hugging Face hub",
        )
        for row in FAMILIES.values()
        for hub_id in row.hub_ids
    ]
    known = {choice.id for choice in offered}
    listed = [name for name in ids.allowed_models() if name not in known]
    return offered + [ModelChoice(name, name, "On this server's list") for name in listed]
