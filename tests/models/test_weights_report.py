from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from reseen.models.weights_report import Mismatch, WeightsReport, compare

REPORT = WeightsReport(
    Path("folder/model.npz"),
    loaded=("stem",),
    missing=("layer4.0", "layer4.1", "neck"),
    unused=("fc.weight", "classifier"),
    mismatched=(Mismatch("fc.bias", (2,), (3,)),),
)


def test_compares_names_and_shapes() -> None:
    wanted = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).state_dict()
    entries = {
        "0.weight": torch.zeros(3, 2),
        "0.bias": torch.zeros(4),
        "1.weight": torch.zeros(3),
        "extra": torch.zeros(1),
    }
    assert compare(wanted, entries, Path("model.npz")) == WeightsReport(
        Path("model.npz"),
        loaded=("0.weight", "1.weight"),
        missing=("1.bias", "1.running_mean", "1.running_var"),
        unused=("extra",),
        mismatched=(Mismatch("0.bias", (3,), (4,)),),
    )


def test_patterns_take_the_expected_differences_out() -> None:
    left = REPORT.unexpected(["layer4.*"], ["fc.*"])
    assert (left.missing, left.unused, left.mismatched) == (("neck",), ("classifier",), REPORT.mismatched)


def test_another_shape_is_expected_only_by_patterns_of_both_kinds() -> None:
    assert REPORT.unexpected(["fc.*"], []).mismatched
    assert REPORT.unexpected([], ["fc.*"]).mismatched
    assert not REPORT.unexpected(["fc.*"], ["fc.*"]).mismatched


def test_summary_counts_on_one_line_and_details_below() -> None:
    assert REPORT.summary().splitlines() == [
        "model.npz: 1 loaded",
        "  3 missing: layer4.0, layer4.1, neck",
        "  2 unused: fc.weight, classifier",
        "  1 of another shape: fc.bias is (3,) instead of (2,)",
    ]


def test_long_lists_are_cut_after_ten() -> None:
    names = tuple(f"w{index}" for index in range(13))
    (line,) = WeightsReport(Path("model.npz"), (), names, (), ()).differences()
    assert line == "13 missing: w0, w1, w2, w3, w4, w5, w6, w7, w8, w9 and 3 more"
