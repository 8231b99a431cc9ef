"""What every space must hold, checked in float64: the properties that the whole design leans on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from tanglec.api import Compiled

TOLERANCE = 1e-9


def supernet(compiled: Compiled, seed: int = 0) -> tuple[ModuleType, nn.Module]:
    """The loaded module and a supernet in float64, every parameter random (also those that start at zero or one)."""
    module = compiled.load()
    torch.manual_seed(seed)
    with _float64():
        net = module.Supernet()
        for parameter in net.parameters():
            nn.init.normal_(parameter, std=0.3)
    quiet(net)
    return module, net


class _float64:
    def __enter__(self) -> None:
        torch.set_default_dtype(torch.float64)

    def __exit__(self, *_: object) -> None:
        torch.set_default_dtype(torch.float32)


def quiet(net: nn.Module) -> None:
    """Dropout and drop path off; batch norms on batch statistics."""
    net.train()
    for module in net.modules():
        if hasattr(module, "p"):
            module.p = 0.0


def inputs(compiled: Compiled, arch: Mapping[Any, Any], batch: int = 3) -> list[Tensor]:
    """Random inputs of an architecture's sizes."""
    result = []
    for tensor in compiled.space.inputs:
        kind = tensor.value.type
        sizes = [int(s.at(arch)) for s in kind.sizes]  # type: ignore[arg-type]
        width = int(kind.features.width.at(arch))  # type: ignore[arg-type]
        if kind.kind == "ids":
            result.append(torch.randint(0, width, (batch, *sizes)))
        else:
            shape = (width, *sizes) if kind.kind == "pixels" else (*sizes, width)
            result.append(torch.randn(batch, *shape, dtype=torch.float64))
    return result


def close(a: Tensor | None, b: Tensor | None, what: str) -> None:
    """Equal to float tolerance; a missing gradient is zero."""
    if a is None and b is None:
        return
    a = torch.zeros_like(b) if a is None and b is not None else a
    b = torch.zeros_like(a) if b is None and a is not None else b
    assert a is not None and b is not None
    scale = max(1.0, a.abs().max().item(), b.abs().max().item())
    assert torch.isfinite(a).all() and torch.isfinite(b).all(), f"{what} is not finite"
    assert (a - b).abs().max().item() <= TOLERANCE * scale, (
        f"{what} differs by {(a - b).abs().max().item():.2e}"
    )


def gradients(output: Tensor, weights: Iterable[Tensor]) -> list[Tensor | None]:
    torch.manual_seed(7)
    return list(
        torch.autograd.grad((output * torch.randn_like(output)).sum(), list(weights), allow_unused=True)
    )


def check_vertex(compiled: Compiled, module: ModuleType, net: nn.Module, arch: Any) -> None:
    """Rule 7: mixture at one-hot probabilities, sliced subnet and derived module are one function, with one gradient."""
    x = inputs(compiled, compiled.architecture(arch))
    weights = list(net.parameters())
    sliced = net(*x, arch)
    mixed = net.mix(*x, arch.one_hot(dtype=torch.float64))
    close(mixed, sliced, "the mixture's value")
    for (name, _), a, b in zip(
        net.named_parameters(), gradients(sliced, weights), gradients(mixed, weights), strict=True
    ):
        close(b, a, f"the mixture's gradient of {name}")
    with _float64():
        derived = compiled.derive(arch)
    derived.load_state_dict(net.export(arch, derived.state_dict().keys()))  # type: ignore[operator]
    quiet(derived)
    close(derived(*x), sliced, "the derived module's value")


def check_recalibrated(compiled: Compiled, net: nn.Module, arch: Any) -> None:
    """Rule 7 in evaluation: all three forms with the statistics of one recalibration."""
    from tanglert.nn import recalibrate

    x = inputs(compiled, compiled.architecture(arch))
    recalibrate(net, arch, [x[0] if len(x) == 1 else tuple(x)])
    with _float64():
        derived = compiled.derive(arch)
    derived.load_state_dict(net.export(arch, derived.state_dict().keys()))  # type: ignore[operator]
    quiet(derived)
    derived.eval()
    y = inputs(compiled, compiled.architecture(arch))
    sliced = net(*y, arch)
    close(net.mix(*y, arch.one_hot(dtype=torch.float64)), sliced, "the recalibrated mixture's value")
    close(derived(*y), sliced, "the recalibrated derived module's value")
    net.train()


def check_costs(compiled: Compiled, module: ModuleType, arch: Any) -> None:
    """Parameters and multiply-adds are those of the derived module, by the compiler and by the generated file."""
    with torch.device("meta"):
        derived = compiled.derive(arch)
    params = sum(p.numel() for p in derived.parameters())
    x = [t[:1].to("meta") for t in inputs(compiled, compiled.architecture(arch))]
    derived = derived.to(torch.float64)
    with FlopCounterMode(display=False) as counter:
        derived(*x)
    assert module.count_params(arch) == compiled.costs(arch).params == params
    assert module.count_macs(arch) == compiled.costs(arch).macs == counter.get_total_flops() // 2


def random_probabilities(module: ModuleType, sampler: Any, seed: int) -> dict[str, Tensor]:
    """Probabilities that are random where they may be, one-hot for sampled-only dimensions.

    The edges that a cell keeps are given for odd seeds, and left out, which keeps all, for even ones.
    """
    torch.manual_seed(seed)
    probabilities = {}
    for dim, vertex in sampler().one_hot(dtype=torch.float64).items():
        if module.SPACE.dim(dim).gates:
            probabilities.update({dim: vertex} if seed % 2 else {})
            continue
        noise = torch.rand_like(vertex) + 0.05
        for position, row in zip(
            module.SPACE.dim(dim).positions, noise.view(-1, noise.shape[-1]), strict=True
        ):
            row[len(position.choices) :] = 0
        noise = noise / noise.sum(-1, keepdim=True)
        probabilities[dim] = vertex if dim in module.SPACE.sampled_only else noise.requires_grad_()
    return probabilities


def check_lowerings(cheap: Compiled, defining: Compiled, seed: int) -> None:
    """Every lowering equals the defining sum: values, and gradients of input, weights and probabilities."""
    module, net = supernet(cheap, seed)
    _, loops = supernet(defining, seed)
    loops.load_state_dict(net.state_dict())
    sampler = module.Sampler(seed)
    probabilities = random_probabilities(module, sampler, seed)
    arch = sampler()
    vertex = arch.one_hot(dtype=torch.float64)
    gates = {d.name for d in module.SPACE.dims if d.gates and d.name in probabilities}
    probabilities |= {d: vertex[d] for d in (*module.SPACE.sampled_only, *gates)}
    x = inputs(cheap, cheap.architecture(arch))
    free = {d: p for d, p in probabilities.items() if p.requires_grad}
    read = [t.requires_grad_() for t in x if t.is_floating_point()]
    net.rebuild_weights(bool(seed % 2))  # type: ignore[operator]
    a, b = net.mix(*x, probabilities), loops.mix(*x, probabilities)
    close(a, b, "the mixture's value")
    first = gradients(a, [*read, *net.parameters(), *free.values()])
    second = gradients(b, [*read, *loops.parameters(), *free.values()])
    names = [*("an input" for _ in read), *(n for n, _ in net.named_parameters())]
    for name, p, q in zip(names, first, second, strict=False):
        close(p, q, f"the gradient of {name}")
    net.requires_grad_(False)  # as in a step of the architecture, which has ways of its own
    frozen = gradients(net.mix(*x, probabilities), free.values())
    for found, when in ((first[len(names) :], ""), (frozen, ", with frozen weights")):
        for dim, p, q in zip(free, found, second[len(names) :], strict=True):
            positions = module.SPACE.dim(dim).positions
            p, q = centred(p, positions), centred(q, positions)
            close(p, q, f"the gradient of the probabilities of {dim}{when}")


def centred(gradient: Tensor | None, positions: Sequence[Any]) -> Tensor | None:
    """A gradient along the simplex: what is the same for all choices of a position is no direction in it."""
    if gradient is None:
        return None
    rows = gradient.view(len(positions), -1)
    return torch.cat(
        [r[: len(p.choices)] - r[: len(p.choices)].mean() for r, p in zip(rows, positions, strict=True)]
    )
