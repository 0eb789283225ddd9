"""The models that can be named. Figures and hashes are those that the source of each states; none is measured here."""

from __future__ import annotations

import difflib
from dataclasses import replace

from reseen.catalogue.entry import Entry
from reseen.errors import UsageError

PADDLECLAS = "https://paddle-imagenet-models-name.bj.bcebos.com/dygraph/rec/reid/pretrain"
PYTORCH = "https://download.pytorch.org/models"
OPEN_MODEL_ZOO = "https://storage.openvinotoolkit.org/repositories/open_model_zoo/2023.0/models_bin/1"
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


File = tuple[int, str]
"""Bytes and SHA-384 of a file."""


def _open_model_zoo(number: str, millions: float, figures: tuple[float, float], graph: File, weights: File) -> Entry:
    name = f"person-reidentification-retail-{number}"
    address = f"{OPEN_MODEL_ZOO}/{name}/FP16/{name}"
    entry = Entry(
        name=name,
        what=f"OSNet with context blocks for ReID, {millions:g} million parameters, 256×128, 256-d, for OpenVINO",
        licence="Apache-2.0, as Open Model Zoo's LICENSE says",
        trained_on="not stated; that it has not seen the people its figures are of is not said either",
        stated_by=f"openvinotoolkit/open_model_zoo, models/intel/{name}: model.yml and README.md",
        use=f"reseen models import FILE --from openvino --bgr --output {name}",
        figures={"recall1": figures[0], "mAP": figures[1]},
        url=f"{address}.xml",
        bytes=graph[0],
        sha384=graph[1],
    )
    return replace(entry, beside=(entry.further(f"{address}.bin", *weights),))


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
    _open_model_zoo(
        "0277",
        2.103,
        (96.2, 87.7),
        (616_140, "554b403108fea776cb54c971c4c8acfaaeaae3884b5945eefbcbad8b9ed3c84f0382cb72c666c02c07129826a668d79e"),
        (4_178_806, "0466aa71c44a14aa902a609c6500f4bc087cabbfa09c1e5bfb309f0a7e89fcdd9971e0359663e31803e3611bfa4d2353"),
    ),
    _open_model_zoo(
        "0286",
        1.234,
        (94.8, 83.7),
        (611_793, "8bee621289b7b8f29ffdaf1eb86af4f0b9bd3077d134676f2f53c5fd86f9103405a2ce5c605f548ae9261dead48849e2"),
        (2_453_724, "5c53f14f0bf4c9f7cc779a0e3dd424e6226b45954706aecde9056858e1469538091d16a1763f968955f86aabf1c4f42a"),
    ),
    _open_model_zoo(
        "0287",
        0.595,
        (92.9, 76.6),
        (614_946, "922cc5560fa298a9f02cac5bad5cbeeaee2a913ec435ae6f446d0c783936598b333c017ce1a702b605c2fd7fa33a6ee7"),
        (1_181_124, "ad86ea0b8661e43b01482fef63b2fe423ec9df8e55f6283f28c01094223f7731e4d60de5700036e6a2df7ebae0f5012d"),
    ),
    _open_model_zoo(
        "0288",
        0.183,
        (86.1, 58.857),
        (614_533, "18814c6445b35224987bc44bcbdb47da6c3826e5da0b6aa00a88c06bf71491a8c4f42e1f62424c077cce46e76a41f7a2"),
        (364_098, "0a5ca9d000ce63b078149a3aa3993cd6e92d52fdecf1ff58fbe717481c2043db348938c32fed964846817dc321825a4c"),
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
            cure=f"did you mean {near[0]}?" if near else "see reseen models list",
        )
    return known[name]
