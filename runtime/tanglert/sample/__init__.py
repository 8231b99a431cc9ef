"""Samplers: which architecture a training step of the supernet runs."""
