"""Synthetic people: drawn procedurally, seen by several cameras, written as a dataset."""

from reseen.synthetic.dataset import synthesise
from reseen.synthetic.plan import Plan

__all__ = ["Plan", "synthesise"]
