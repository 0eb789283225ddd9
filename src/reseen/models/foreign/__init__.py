"""Weights that other projects have trained: reading their files, and renaming what is in them."""
