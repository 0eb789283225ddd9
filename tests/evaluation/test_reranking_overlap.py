"""Shared weights against dense minima."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import sparse

from reseen.evaluation import reranking_overlap
from reseen.evaluation.reranking_overlap import shared_weights

WEIGHTS = st.sampled_from([0, 0, 0, 0.125, 0.5, 1])


def rows(count: int) -> st.SearchStrategy[np.ndarray]:
    return arrays.arrays(np.float32, (count, 9), elements=WEIGHTS, fill=st.nothing())


@given(rows(7), rows(5), st.sampled_from([1, 4, 1000]))
def test_each_pair_that_shares_a_neighbour_comes_once_with_the_sum_of_minima(
    queries: np.ndarray, gallery: np.ndarray, pairs_at_once: int
) -> None:
    found = np.zeros((7, 5), dtype=np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reranking_overlap, "PAIRS_AT_ONCE", pairs_at_once)
        parts = list(shared_weights(sparse.csr_array(queries), sparse.csr_array(gallery.T)))
    for query, image, shared in parts:
        assert (found[query, image] == 0).all()
        found[query, image] = shared

    np.testing.assert_array_equal(found, np.minimum(queries[:, None], gallery[None]).sum(axis=2))


def test_p4_few_pairs_are_worked_on_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reranking_overlap, "PAIRS_AT_ONCE", 12)
    queries = sparse.csr_array(np.eye(10, 4, dtype=np.float32) + np.eye(10, 4, -4, dtype=np.float32))
    holders = sparse.csr_array(np.ones((4, 5), dtype=np.float32))  # 5 pairs for each of the first 8 queries

    parts = [np.unique(query).tolist() for query, _, _ in shared_weights(queries, holders)]

    assert [part for part in parts if part] == [[0, 1], [2, 3], [4, 5], [6, 7]]
