"""Synthetic people: drawn procedurally, seen by several cameras, written as a dataset."""

from reseen.datasets.synthetic.dataset import synthesise
from reseen.datasets.synthetic.plan import Plan

__all__ = ["Plan", "synthesise"]
