"""Training of supernets, and whole searches."""

from tanglert.train.checkpoint import BrokenCheckpoint, CheckpointFile, ForeignCheckpoint
from tanglert.train.engine import DivergedError
from tanglert.train.folder import RunError, RunFolder, inherited_weights
from tanglert.train.inherit import recalibrated
from tanglert.train.interrupt import Interrupted
from tanglert.train.options import Options, OptionsError
from tanglert.train.progress import Progress, Silent, display
from tanglert.train.result import Result
from tanglert.train.run import run_search
from tanglert.train.task import TaskError

__all__ = [
    "BrokenCheckpoint",
    "CheckpointFile",
    "DivergedError",
    "ForeignCheckpoint",
    "Interrupted",
    "Options",
    "OptionsError",
    "Progress",
    "Result",
    "RunError",
    "RunFolder",
    "Silent",
    "TaskError",
    "display",
    "inherited_weights",
    "recalibrated",
    "run_search",
]
