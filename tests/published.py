"""Architectures as they were published, to be pasted: appendix F of Sukthanker et al., and the field's best known ones.

Line breaks and typographic quotes are those of the text. Two lists of the appendix lack their closing bracket; here they have it.
"""

TANGLENAS = {
    "small LM": (
        "language_model",
        "num_layers: 7, embed_dim: 768, num_heads: [12, 12, 12, 12, 12, 12, 12], mlp_ratio: [3, 4, 4, 4, 4, 4, 4]",
        {"embed": 768, "depth": 7, "heads": [12] * 7, "ratio": [3, 4, 4, 4, 4, 4, 4]},
    ),
    "AutoFormer, CIFAR-10, 50-50": (
        "autoformer_t",
        "mlp_ratio: [4, 4, 4, 4, 4, 4, 4, 4, 4, 3.5, 4, 4, 3.5, 4], num_heads:[4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4],\n"
        "num_layers: 14 embed_dim: 216",
        {"embed": 216, "depth": 14, "heads": [4] * 14, "ratio": [*[4] * 9, 3.5, 4, 4, 3.5, 4]},
    ),
    "AutoFormer, CIFAR-10, 80-20": (
        "autoformer_t",
        "mlp_ratio:[4, 4, 4, 4, 4, 4, 4, 4, 3.5, 4, 4, 4, 3.5, 3.5], num_heads:[4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4],\n"
        "depth: 14, embed_dim: 240",
        {"embed": 240, "depth": 14, "heads": [4] * 14, "ratio": [*[4] * 8, 3.5, 4, 4, 4, 3.5, 3.5]},
    ),
    "AutoFormer, CIFAR-100, 50-50": (
        "autoformer_t",
        "mlp_ratio: [4,4,4,4,4,4,4,4,3.5,4,4,4,4,4], num_heads:[4,4,4,4,4,4,4,4,4,4,4,4,4,4], depth: 14,\nembed_dim: 216",
        {"embed": 216, "depth": 14, "heads": [4] * 14, "ratio": [*[4] * 8, 3.5, *[4] * 5]},
    ),
    "AutoFormer, CIFAR-100, 80-20": (
        "autoformer_t",
        "mlp_ratio:[3.5,4,4,4,4,4,4,4,4,4,4,4,4,4], num_heads:[4,4,4,4,4,4,4,4,4,4,4,4,4,4], depth: 14,\nembed_dim: 240",
        {"embed": 240, "depth": 14, "heads": [4] * 14, "ratio": [3.5, *[4] * 13]},
    ),
    "AutoFormer, ImageNet": (
        "autoformer_t",
        "mlp_ratio:[4,4,4,4,4,4,4,4,4,4,4,4,4,4], num_heads:[4,4,4,4,4,4,4,4,4,4,4,4,4,4], depth: 14, embed_dim: 240",
        {"embed": 240, "depth": 14, "heads": [4] * 14, "ratio": [4] * 14},
    ),
    "MobileNetV3": (
        "mobilenet_v3",
        "Kernel_sizes:[7,5,5,7,5,5,7,7,5,7,7,7,5,7,7,5,5,7,7,5],Channel_expansion_factor:[6,6,6,6,6,6,6,6,6,6,6,6,6,6,6,6,6,6,6,6],\n"
        "Depths : [4, 4, 4, 4, 4]",
        {
            "depth": [4] * 5,
            "kernel": [7, 5, 5, 7, 5, 5, 7, 7, 5, 7, 7, 7, 5, 7, 7, 5, 5, 7, 7, 5],
            "expand": [6] * 20,
        },
    ),
    "toy cell, 50-50": (
        "toy_cell",
        "Genotype(normal=[(’dil_conv_3x3’, 0), (’dil_conv_3x3’, 0), (’sep_conv_3x3’, 1)],\n"
        "normal_concat=range(1, 3), reduce=[(’sep_conv_3x3’, 0), (’sep_conv_3x3’, 0), (’dil_conv_3x3’, 1)], "
        "reduce_concat=range(1, 3))",
        {
            "op": {
                "normal": ["dil_conv_3x3", "dil_conv_3x3", "sep_conv_3x3"],
                "reduce": ["sep_conv_3x3", "sep_conv_3x3", "dil_conv_3x3"],
            }
        },
    ),
    "toy cell, 80-20": (
        "toy_cell",
        "Genotype(normal=[(’dil_conv_3x3’, 0), (’dil_conv_5x5’, 0), (’sep_conv_3x3’, 1)],\n"
        "normal_concat=range(1, 3), reduce=[(’sep_conv_3x3’, 0), (’sep_conv_5x5’, 0), (’dil_conv_3x3’, 1)], "
        "reduce_concat=range(1, 3))",
        {
            "op": {
                "normal": ["dil_conv_3x3", "dil_conv_5x5", "sep_conv_3x3"],
                "reduce": ["sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3"],
            }
        },
    ),
    "toy conv-macro, both splits": (
        "conv_macro",
        "Channels = [32, 64, 128, 64], Kernel Sizes = [5, 5, 7, 7]",
        {"kernel": [5, 5, 7, 7], "c1": 32, "c2": 64, "c3": 128, "c4": 64},
    ),
}

DARTS_V2 = (
    "DARTS_V2 = Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
    "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])"
)
DARTS_PTB_V2 = (
    "Genotype(recurrent=[('sigmoid', 0), ('relu', 1), ('relu', 1), ('identity', 1), ('tanh', 2), ('sigmoid', 5), "
    "('tanh', 3), ('relu', 5)], concat=range(1, 9))"
)
