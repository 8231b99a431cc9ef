"""Searches over architectures with the inherited weights of a trained supernet."""

from tanglert.search.random import RandomSearch

__all__ = ["RandomSearch"]
