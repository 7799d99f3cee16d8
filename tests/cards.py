"""Pretended accelerators: tensors that lie on "card:0", "card:1", ... and are computed on the CPU.

What a GPU refuses, a card refuses: two devices in one operation, numpy, a view as an array. So the
way through a GPU is walked on any machine, operation by operation; its kernels are not. torch's own
"python backend" lends the device, a `TorchDispatchMode` computes, and what goes from a card to the
host is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import torch
from torch import library as torch_library
from torch.utils import backend_registration
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

NAME = "card"

# As CUDA does: a copy crosses devices, and what is indexed takes its indices from the host.
_CROSSING = {"copy_", "_to_copy"}
_INDEXED = {"index", "index_put", "index_put_"}
# CUDA counts whole numbers, this kernel of the CPU does not.
_FLOAT_ONLY = {"histc"}


class OnCard(torch.Tensor):
    """A tensor of a card: `held` is where its numbers are."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor, device: torch.device) -> OnCard:
        made: OnCard = torch.Tensor._make_wrapper_subclass(
            cls,
            held.size(),
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            layout=held.layout,
            device=device,
        )
        made.held = held
        return made

    @classmethod
    def __torch_dispatch__(
        cls, operation: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        return _computed(operation, args, kwargs or {})

    def __repr__(self, **_: Any) -> str:
        return f"{self.held!r} on {self.device}"

    def tolist(self) -> Any:
        return self.cpu().tolist()

    def numpy(self, **_: Any) -> NoReturn:  # type: ignore[override]
        raise TypeError(f"can't convert a tensor on {self.device} to numpy, use Tensor.cpu() first")

    def __array__(self, *_: Any, **__: Any) -> NoReturn:  # type: ignore[override]
        self.numpy()


class Cards(TorchDispatchMode):
    """While it is entered, "card:N" is a device; `sent` are the shapes of what came from one."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[int, ...]] = []

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = _computed(operation, args, kwargs or {})
        from_card = any(isinstance(arg, OnCard) for arg in args)
        if from_card and isinstance(result, torch.Tensor) and not isinstance(result, OnCard):
            self.sent.append(tuple(result.shape))
        return result


@contextmanager
def cards() -> Iterator[Cards]:
    """Cards for a while; a module's `to` puts its weights on one."""
    _register()
    overwrite = torch.__future__.get_overwrite_module_params_on_conversion()
    lift = torch._C._only_lift_cpu_tensors()
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    # A list becomes a tensor on the host first, where the mode sees it leave.
    torch._C._set_only_lift_cpu_tensors(True)
    try:
        with Cards() as counting:
            yield counting
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(overwrite)
        torch._C._set_only_lift_cpu_tensors(lift)


def _computed(operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    name = operation.overloadpacket.__name__
    given: list[torch.Tensor] = []

    def held(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            given.append(value)
        return value.held if isinstance(value, OnCard) else value

    host_args, host_kwargs = tree_map(held, args), tree_map(held, kwargs)
    wanted = kwargs.get("device")
    if wanted is not None:
        host_kwargs["device"] = "cpu"
    device = torch.device(wanted) if wanted is not None else _shared(name, given)
    if name in _FLOAT_ONLY:
        host_args = tree_map(lambda x: x.float() if isinstance(x, torch.Tensor) else x, host_args)
    result = operation(*host_args, **host_kwargs)
    if device.type != NAME:
        return result
    # What an operation writes to comes back as itself.
    known = {id(one.held): one for one in given if isinstance(one, OnCard)}
    device = torch.device(NAME, device.index or 0)

    def placed(value: Any) -> Any:
        if not isinstance(value, torch.Tensor):
            return value
        found = known.get(id(value))
        return OnCard(value, device) if found is None else found

    return tree_map(placed, result)


def _shared(name: str, given: list[torch.Tensor]) -> torch.device:
    """The device that an operation runs on, if it may run at all."""
    if not given:
        return torch.device("cpu")
    if name in _CROSSING or name in _INDEXED:
        return given[0].device
    # A single number of the host goes with any device.
    found = {one.device for one in given if one.device.type == NAME or one.ndim}
    if len(found) > 1:
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but {name} found "
            f"{', '.join(sorted(map(str, found)))}"
        )
    return next(iter(found), given[0].device)


_operations: torch_library.Library | None = None


def _register() -> None:
    """Once in a process: the device's name, and the one operation that torch's core asks for."""
    global _operations
    if _operations is not None:
        return
    backend_registration._setup_privateuseone_for_python_backend(NAME)
    _operations = torch_library.Library("aten", "IMPL")
    _operations.impl("_local_scalar_dense", lambda one: one.held.item(), "PrivateUse1")
