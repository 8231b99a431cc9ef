"""The field's own notations: published architectures can be pasted in, and results are written for others to read.

A notation is known by its form: keys of the space's own (`keys`), a genotype of cells (`genotype`), the edges of a cell as a
string (`edge_string`), digits (`digits`). Each is translated to the canonical object whose items stand where they were
read; `tanglec.architecture` judges that.
"""

from tanglec.notation.catalogue import looks_like_text, read_notation, writers, written

__all__ = ["looks_like_text", "read_notation", "writers", "written"]
