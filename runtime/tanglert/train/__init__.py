"""Training of supernets, and whole searches."""

from tanglert.train.board import Board
from tanglert.train.checkpoint import BrokenCheckpoint, CheckpointFile, ForeignCheckpoint
from tanglert.train.distributed import LostProcess, ProcessesDiffer, World, joined, launched
from tanglert.train.engine import DivergedError
from tanglert.train.folder import RunError, RunFolder, inherited_weights
from tanglert.train.inherit import Inherited, recalibrated
from tanglert.train.interrupt import Interrupted
from tanglert.train.options import Options, OptionsError
from tanglert.train.progress import Progress, Silent, display
from tanglert.train.result import Result
from tanglert.train.run import run_search
from tanglert.train.standalone import train_network, trained_weights
from tanglert.train.task import TaskError
from tanglert.train.trained import Init, Trained

__all__ = [
    "Board",
    "BrokenCheckpoint",
    "CheckpointFile",
    "DivergedError",
    "ForeignCheckpoint",
    "Inherited",
    "Init",
    "Interrupted",
    "LostProcess",
    "Options",
    "OptionsError",
    "ProcessesDiffer",
    "Progress",
    "Result",
    "RunError",
    "RunFolder",
    "Silent",
    "TaskError",
    "Trained",
    "World",
    "display",
    "inherited_weights",
    "joined",
    "launched",
    "recalibrated",
    "run_search",
    "train_network",
    "trained_weights",
]
