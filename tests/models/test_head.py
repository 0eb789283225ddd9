from __future__ import annotations

import pytest
import torch

from reseen.models.head import Head


def test_a_head_says_itself_how_it_classifies() -> None:
    with pytest.raises(NotImplementedError):
        Head()(torch.zeros(1, 2))
