"""Entangled layers: weights of the largest size, sliced for an architecture, superposed for a mixture."""

from tanglert.nn.attention import Attend
from tanglert.nn.batch_norm import BatchNorm, recalibrate
from tanglert.nn.block import Activation, Block, TupleBlock
from tanglert.nn.conv import Conv, Depthwise
from tanglert.nn.drop import Dropout, DropPath
from tanglert.nn.embed import Embedding, Position, Token
from tanglert.nn.linear import Linear
from tanglert.nn.norm import GroupNorm, LayerNorm, RMSNorm
from tanglert.nn.reduce import ChannelShuffle, Flatten, Reduce, Softmax

__all__ = [
    "Activation",
    "Attend",
    "BatchNorm",
    "Block",
    "ChannelShuffle",
    "Conv",
    "Depthwise",
    "DropPath",
    "Dropout",
    "Embedding",
    "Flatten",
    "GroupNorm",
    "LayerNorm",
    "Linear",
    "Position",
    "RMSNorm",
    "Reduce",
    "Softmax",
    "Token",
    "TupleBlock",
    "recalibrate",
]
