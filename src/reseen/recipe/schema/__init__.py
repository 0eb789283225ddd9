"""The typed schema of a recipe.

Unknown keys are errors. Lists in a recipe replace the lists of the recipe it extends. A `name` chooses among kinds.
"""

from reseen.recipe.schema.backbones import (
    Backbone,
    EfficientNetLite,
    MobileNetV3Small,
    OSNet,
    ResNet,
    SmallResNet,
    Timm,
)
from reseen.recipe.schema.data import Augmentation, Data, RandomErasing, Sampler
from reseen.recipe.schema.evaluation import Evaluation, KReciprocal, QueryExpansion, Reranking
from reseen.recipe.schema.losses import (
    Center,
    Circle,
    CrossEntropy,
    Distillation,
    Loss,
    MetricLearningLoss,
    Teacher,
    Triplet,
)
from reseen.recipe.schema.model import (
    ArcHead,
    AveragePooling,
    CosineHead,
    GeMPooling,
    Head,
    LinearHead,
    Model,
    Pooling,
    Pretrained,
)
from reseen.recipe.schema.optimization import SGD, Adam, AdamW, Cosine, MultiStep, Optimizer, Schedule, Warmup
from reseen.recipe.schema.recipe import Recipe
from reseen.recipe.schema.settings import Settings, kinds
from reseen.recipe.schema.training import EMA, EarlyStopping, Training

__all__ = [
    "EMA",
    "SGD",
    "Adam",
    "AdamW",
    "ArcHead",
    "Augmentation",
    "AveragePooling",
    "Backbone",
    "Center",
    "Circle",
    "Cosine",
    "CosineHead",
    "CrossEntropy",
    "Data",
    "Distillation",
    "EarlyStopping",
    "EfficientNetLite",
    "Evaluation",
    "GeMPooling",
    "Head",
    "KReciprocal",
    "LinearHead",
    "Loss",
    "MetricLearningLoss",
    "MobileNetV3Small",
    "Model",
    "MultiStep",
    "OSNet",
    "Optimizer",
    "Pooling",
    "Pretrained",
    "QueryExpansion",
    "RandomErasing",
    "Recipe",
    "Reranking",
    "ResNet",
    "Sampler",
    "Schedule",
    "Settings",
    "SmallResNet",
    "Teacher",
    "Timm",
    "Training",
    "Triplet",
    "Warmup",
    "kinds",
]
