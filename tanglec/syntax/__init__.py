"""Syntax: the grammar's parser, the tree that it builds, and the tree's canonical text."""

from tanglec.syntax.parser import parse

__all__ = ["parse"]
