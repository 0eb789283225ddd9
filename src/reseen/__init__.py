"""Person re-identification: train, evaluate, and find the same person in other cameras' images."""

__version__ = "0.1.0"
