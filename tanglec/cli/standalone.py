"""Stand-alone models on disk: a module of plain PyTorch, and its weights beside it as safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tanglec.api import Compiled
from tanglec.cli.files import write_all
from tanglec.cli.messages import fail
from tanglec.ir.extents import Position, Scalar

if TYPE_CHECKING:
    from torch import Tensor


def weights_path(model: Path) -> Path:
    """`model.safetensors` for `model.py`."""
    return model.with_suffix(".safetensors")


def inherited(
    compiled: Compiled, arch: Mapping[str, Any], weights: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The weights that an architecture inherits from those of the supernet, under the stand-alone names."""
    module = compiled.load()
    supernet = module.Supernet()
    try:
        supernet.load_state_dict(weights)
    except RuntimeError as error:
        raise fail("TSP0910", f"the weights are not those of `{compiled.space.name}`: {error}") from None
    network = compiled.derive(arch)
    state: dict[str, Tensor] = supernet.export(module.Arch.from_dict(arch), network.state_dict().keys())
    network.load_state_dict(state)
    return state


def supernet_weights(
    run: Path, compiled: Compiled, given: Mapping[str, Any]
) -> tuple[Mapping[str, Tensor], str]:
    """The supernet's weights, batch norms with the statistics of the architecture, and a note about these.

    In a complete run they are those of the architecture that was found; for another the run's data is needed.
    """
    from tanglec.cli.run_folder import read_record
    from tanglert.data import DataError, load
    from tanglert.train import inherited_weights, recalibrated

    module: Any = compiled.load()
    weights = inherited_weights(run, module.SPACE)
    found = (run / "result.json").is_file() and read_record(run, "result.json")["architecture"]
    if found == given or not any(name.endswith("running_mean") for name in weights):
        return weights, ""
    config = read_record(run, "config.json")
    try:
        data = load(config["data"], module.SPACE)
        if data.sha256() != config["data_sha256"]:
            raise DataError(f"{config['data']} has changed since")
    except DataError as error:
        return weights, f"; batch norms NOT recalibrated for this architecture: {error}"
    arch = module.Arch.from_dict(given)
    weights = recalibrated(weights, module, arch, data, config["options"])
    return weights, "; batch norms recalibrated for this architecture"


def fresh(compiled: Compiled, arch: Mapping[str, Any], seed: int) -> dict[str, Tensor]:
    """Weights as PyTorch initialises them."""
    import torch

    torch.manual_seed(seed)
    return {name: t.detach().clone().contiguous() for name, t in compiled.derive(arch).state_dict().items()}


def write_model(compiled: Compiled, arch: Mapping[str, Any], state: Mapping[str, Tensor], out: Path) -> None:
    """Write `out` and its weights, both or neither."""
    from safetensors.torch import save

    write_all({out: compiled.derive_source(arch), weights_path(out): save(dict(state))})


def shown(compiled: Compiled, assignment: Mapping[Position, Scalar]) -> dict[str, Any]:
    """The canonical object of an architecture."""
    from tanglec.architecture import show_architecture

    return show_architecture(compiled.space, assignment)
