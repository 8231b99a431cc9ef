"""The processes of one run: `torchrun --standalone --nproc-per-node 2 -m tanglec search …`.

Every process holds the whole supernet, the data, the architecture parameters and the same generators for them, and
takes its share of every batch. Gradients become their mean over all processes in one message, of weights and of
architecture parameters alike; no `DistributedDataParallel`: a step runs several subnets, skips layers, or takes
the gradient of the architecture only, and DDP needs for each of these a backward pass that it knows. What it would
add is to send while the backward pass still runs.

Batch norms take the statistics of the batch of one process.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from tanglert.train.options import OptionsError

T = TypeVar("T")


class LostProcess(RuntimeError):
    """Another process of the run has ended, so that this one cannot go on."""


class ProcessesDiffer(RuntimeError):
    """Processes that should hold the same hold different things."""


class World:
    """The processes of a run, this one being number `rank` of `size`; a world of one does nothing and costs nothing.

    All methods that talk are to be called by all processes, in the same order. They raise LostProcess if one is gone.
    """

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that writes and speaks."""
        return self.rank == 0

    def place(self, device: torch.device) -> torch.device:
        """Where this process computes: of GPUs, each takes the one of its place on the machine.

        OptionsError for one certain GPU for all of them, and for more processes than GPUs.
        """
        if self.size == 1 or device.type != "cuda":
            return device
        local, there = int(os.environ.get("LOCAL_RANK", self.rank)), torch.cuda.device_count()
        if device.index is not None:
            raise OptionsError(f"device {device} is one, and there are {self.size} processes: use `cuda`")
        if local >= there:
            raise OptionsError(f"{local + 1} processes at least on this machine, but {there} GPUs")
        torch.cuda.set_device(local)
        return torch.device("cuda", local)

    @torch.no_grad()
    def mean_(self, tensors: Iterable[Tensor | None]) -> None:
        """Sets every tensor to its mean over the processes, in one message for each type and device.

        None is passed over; it has to be None everywhere.
        """
        if self.size == 1:
            return
        alike: dict[tuple[torch.dtype, torch.device], list[Tensor]] = {}
        for tensor in tensors:
            if tensor is not None:
                alike.setdefault((tensor.dtype, tensor.device), []).append(tensor)
        for group in alike.values():
            flat = torch.cat([tensor.reshape(-1) for tensor in group])
            self._sum(flat)
            pieces = flat.div_(self.size).split_with_sizes([tensor.numel() for tensor in group])
            for tensor, piece in zip(group, pieces, strict=True):
                tensor.copy_(piece.view_as(tensor))

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum over the processes."""
        total = tensor.clone()
        if self.size > 1:
            self._sum(total)
        return total

    def any(self, flag: bool) -> bool:
        """Whether it is so in any process. A message between CPUs, so that no GPU is waited for."""
        return bool(self.sum(torch.tensor(int(flag))).item()) if self.size > 1 else flag

    def from_main(self, work: Callable[[], T]) -> T:
        """What `work` gives in the first process, the only one to do it; what it raises is raised in all."""
        if self.size == 1:
            return work()
        told: list[Any] = [None, None]
        if self.is_main:
            try:
                told[0] = work()
            except Exception as error:
                told[1] = error
        with _others():
            dist.broadcast_object_list(told, src=0, device=torch.device("cpu"))
        if told[1] is not None:
            raise told[1]
        result: T = told[0]
        return result

    def require_equal(self, state: Any, when: str) -> None:
        """Compares all tensors in nested mappings and lists, by checksums of their bits.

        Raises ProcessesDiffer, in all processes, with the name of the first that is not the same everywhere.
        """
        if self.size == 1:
            return
        named = dict(tensors_in(state))
        sums = torch.stack([checksum(tensor) for tensor in named.values()]).cpu()
        extremes = torch.cat([sums, -sums])
        with _others():
            dist.all_reduce(extremes, dist.ReduceOp.MAX)
        high, low = extremes[: len(sums)], -extremes[len(sums) :]
        differing = [name for name, equal in zip(named, (high == low).tolist(), strict=True) if not equal]
        if differing:
            more = f" and {len(differing) - 1} more" if len(differing) > 1 else ""
            raise ProcessesDiffer(
                f"the {self.size} processes do not hold the same {differing[0]}{more} {when}; a step must do the"
                " same in all of them (one version of all files, one seed, random numbers for architectures from"
                " their own generators only)"
            )

    def _sum(self, tensor: Tensor) -> None:
        with _others():
            dist.all_reduce(tensor)


ALONE = World()


@contextmanager
def joined() -> Iterator[World]:
    """The world that torchrun, or the caller's `init_process_group`, has made; without either, a process alone.

    A group of the caller's needs gloo for what lies on CPUs (`"cpu:gloo,cuda:nccl"`, as it is made here).
    """
    if dist.is_available() and dist.is_initialized():
        yield World(dist.get_rank(), dist.get_world_size())
        return
    if not launched():
        yield ALONE
        return
    gpus = torch.cuda.is_available() and dist.is_nccl_available()
    store, rank, size = next(dist.rendezvous("env://"))  # type: ignore[attr-defined]
    # The agent's store outlives a restart, and with it the addresses of processes that are dead.
    number = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    attempt = dist.PrefixStore(f"attempt {number}", store)  # type: ignore[attr-defined]
    backend = "cpu:gloo,cuda:nccl" if gpus else "gloo"
    dist.init_process_group(backend, store=attempt, rank=rank, world_size=size)
    try:
        world = World(rank, size)
        yield world
        world.any(False)  # none hangs up while another still listens
    finally:
        dist.destroy_process_group()


def launched() -> bool:
    """Whether torchrun started this process beside others."""
    return "RANK" in os.environ and int(os.environ.get("WORLD_SIZE", "1")) > 1


def restarted() -> bool:
    """Whether torchrun started it anew because one of the processes had died (`--max-restarts`)."""
    return launched() and int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0


@contextmanager
def _others() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        reason = str(error).split("] ")[-1].split(". ")[0]
        raise LostProcess(
            f"another process of this run has ended, or cannot be reached; the last checkpoint is kept ({reason})"
        ) from error


def tensors_in(state: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """The tensors in nested mappings and lists, with their names: keys joined by dots."""
    if isinstance(state, Tensor):
        yield name, state
    elif isinstance(state, Mapping):
        for key, value in state.items():
            yield from tensors_in(value, f"{name}.{key}" if name else str(key))
    elif isinstance(state, list | tuple):
        for number, value in enumerate(state):
            yield from tensors_in(value, f"{name}.{number}" if name else str(number))


def checksum(tensor: Tensor) -> Tensor:
    """A number from all bits of a tensor and their places, int64 below 2^62, on its device."""
    flat = tensor.detach().reshape(-1)
    words = flat.view(torch.int32 if flat.element_size() % 4 == 0 else torch.uint8).long()
    places = torch.arange(1, 2 * len(words), 2, device=words.device)
    return (words * places).sum() & (2**62 - 1)
