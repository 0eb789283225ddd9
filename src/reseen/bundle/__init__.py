"""The bundle: the folder that carries a model and all that is needed to use it as it was trained."""
