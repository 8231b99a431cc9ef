"""What training sees of its part of the data: the images, changed at random as the options say."""

from __future__ import annotations

from tanglert.data.augment import Augmented
from tanglert.data.errors import DataMismatch
from tanglert.data.part import Part
from tanglert.train.options import Options, OptionsError


def augmented(part: Part, options: Options) -> Part:
    """The part as training sees it; itself where no option changes it. OptionsError for anything but images."""
    asked = {
        name: value
        for name in ("crop", "flip", "cutout")
        if (value := getattr(options, name)) not in (0, False)
    }
    if not asked:
        return part
    try:
        return Augmented(part, **asked, seed=options.seed)
    except DataMismatch:
        raise OptionsError(
            f"{', '.join(asked)}: for images only, which this data is not", next(iter(asked))
        ) from None
