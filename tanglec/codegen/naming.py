"""Python names for the user's: never a keyword, a builtin that the code needs, or an attribute of a module."""

from __future__ import annotations

import keyword

# Attributes of `nn.Module` and of the generated supernet that a layer must not hide.
_MODULE = frozenset(
    """T_destination add_module apply bfloat16 buffers call_super_init children choices compile cpu cuda double dump_patches eval
    export extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict mix modules
    mtia named_buffers named_children named_modules named_parameters network parameters register_buffer
    register_forward_hook register_module register_parameter requires_grad_ set_extra_state set_submodule share_memory space
    state_dict to to_empty train training type xpu zero_grad""".split()
)
# Names that generated functions use themselves.
_LOCAL = frozenset(
    """_ F Fraction Tensor all any arch at bool both ceil chain divisible either float floor i int keeps kept len
    lookup map math max maximum min minimum negate nn probabilities range round round_to scan self sum super
    torch total tuple where zip""".split()
)
# Constants of a generated module that a dimension's must not take.
_CONSTANTS = frozenset(("F", "SPACE"))


def class_name(name: str) -> str:
    """`conv_layer` to `ConvLayer`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_") if part) or "Block"


def constant_name(name: str) -> str:
    """`embed` to `EMBED`; names that are not all small letters stay apart from those that are."""
    upper = name.upper()
    return upper if name == name.lower() and upper not in _CONSTANTS else f"{name}_DIM"


def attribute(name: str) -> str:
    return f"{name}_" if name in _MODULE or keyword.iskeyword(name) or name.startswith("_") else name


# Names that every `Arch` has (`tanglert.ArchBase`); a dimension of such a name gets another field.
ARCH_MEMBERS = frozenset(
    "allowed from_dict from_indices from_json indices one_hot space to_dict to_json".split()
)


def field(name: str) -> str:
    """The field of `Arch` that holds a dimension's choices."""
    return f"{name}_" if name in ARCH_MEMBERS else name


def variable(name: str) -> str:
    """A local or parameter: none of the names that the code around it needs, and no constant's."""
    return f"{name}_" if name in _LOCAL or keyword.iskeyword(name) or name.isupper() else name


def plural(name: str) -> str:
    """The list of many: `layer` to `layers`."""
    if name.endswith(("s", "x", "ch", "sh")):
        return f"{name}es"
    return f"{name[:-1]}ies" if name.endswith("y") and name[-2:-1] not in "aeiou" else f"{name}s"


def file_name(path: str) -> str:
    """A source's path as generated files show it: the same on every machine, however it was typed."""
    parts = path.replace("\\", "/").split("/")
    return "/".join(parts[parts.index("spaces") :]) if "spaces" in parts[:-1] else parts[-1]


class Namer:
    """Hands out names, each once: `linear`, `linear_2`, …"""

    def __init__(self, taken: frozenset[str] | set[str] = frozenset(), joint: str = "_") -> None:
        self.taken, self.joint = set(taken), joint

    def __call__(self, name: str) -> str:
        unique, n = name, 1
        while unique in self.taken:
            n += 1
            unique = f"{name}{self.joint}{n}"
        self.taken.add(unique)
        return unique
