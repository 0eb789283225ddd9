"""The models that can be named. Figures and hashes are those that the source of each states; none is measured here."""

from __future__ import annotations

import difflib

from reseen.catalogue.entry import Entry
from reseen.errors import UsageError

PADDLECLAS = "https://paddle-imagenet-models-name.bj.bcebos.com/dygraph/rec/reid/pretrain"
PYTORCH = "https://download.pytorch.org/models"
RESEARCH = "Market-1501 may be used for research and not commercially"


def _paddleclas(name: str, recipe: str, recall1: float, mean_ap: float) -> Entry:
    return Entry(
        name=f"paddleclas_{name}",
        what=f"ResNet-50 for ReID, trained by PaddleClas with {name}.yaml",
        licence=f"not stated for the weights (PaddleClas is under Apache-2.0); {RESEARCH}",
        trained_on="Market-1501, from ImageNet weights",
        stated_by="PaddleClas, docs/en/algorithm_introduction/reid_en.md, section 2.1.2",
        use=f"reseen models import FILE --from paddleclas --model {recipe} --output {name}.safetensors",
        figures={"recall1": recall1, "mAP": mean_ap},
        url=f"{PADDLECLAS}/{name}_pretrained.pdparams",
    )


def _torchvision(name: str, digits: str, what: str, stated_by: str, figures: dict[str, float]) -> Entry:
    return Entry(
        name=name,
        what=what,
        licence="not stated for the weights (torchvision is under BSD-3-Clause, and says that pretrained models may "
        "have terms of their own, from the data they were trained on)",
        trained_on="ImageNet-1K",
        stated_by=stated_by,
        use="reseen models import FILE --from torchvision --model softmax_triplet --output resnet50.safetensors",
        figures=figures,
        url=f"{PYTORCH}/resnet50-{digits}.pth",
        sha256_prefix=digits,
    )


ENTRIES: tuple[Entry, ...] = (
    Entry(
        name="osnet_x0_25_market1501_128x64",
        what="OSNet x0.25 for ReID at 128×64, a short training, for trying things out",
        licence=f"research use only, outside of the project's licence: {RESEARCH}",
        trained_on="Market-1501",
        stated_by="weights/osnet_x0_25_market1501_128x64/README.md",
        use="reseen evaluate -c weights/osnet_x0_25_market1501_128x64/recipe.yaml --weights FILE --data Market-1501",
        figures={"recall1": 51.5, "mAP": 30.1},
        path="weights/osnet_x0_25_market1501_128x64/best.safetensors",
        bytes=899_848,
        sha256="3e99a5c8e27951749e33cd634e04129bd4ccabff67e330123ffb20c50af34821",
    ),
    _paddleclas("baseline", "baseline", 88.45, 74.37),
    _paddleclas("softmax_triplet", "softmax_triplet", 94.29, 85.57),
    _paddleclas("softmax_triplet_with_center", "softmax_triplet_with_center", 94.50, 85.82),
    _torchvision(
        "resnet50_imagenet",
        "0676ba61",
        "ResNet-50 to start training from (IMAGENET1K_V1)",
        "torchvision, documentation of ResNet50_Weights.IMAGENET1K_V1",
        {"ImageNet accuracy@1": 76.13, "ImageNet accuracy@5": 92.862},
    ),
    _torchvision(
        "resnet50_imagenet_2017",
        "19c8e357",
        "ResNet-50 to start training from, the older file that the published ReID baselines started from",
        "fast-reid, fastreid/modeling/backbones/resnet.py; PaddleClas, configs/reid/strong_baseline",
        {},
    ),
)
"""In the order in which they are listed."""


def find_entry(name: str) -> Entry:
    """The model of a name.

    Raises:
        UsageError: there is none.
    """
    known = {entry.name: entry for entry in ENTRIES}
    if name not in known:
        near = difflib.get_close_matches(name, known, 1, 0.3)
        raise UsageError(
            f"there is no model called {name[:80]}",
            expected=f"one of {', '.join(known)}",
            got=name[:80],
            cure=f"did you mean {near[0]}?" if near else "reseen models list shows them all",
        )
    return known[name]
