"""crowd-kit's MMSR with its one step repaired that is random, and impossible for large crowds."""

from __future__ import annotations

from typing import Any

import numpy as np
from crowdkit.aggregation import MMSR
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.sparse import block_array, coo_array, csr_array, diags_array
from scipy.sparse.linalg import eigsh

SEED = 0
DENSE_LIMIT = 300  # nodes; up to here the full eigendecomposition is quick, and exact


class SteadyMMSR(MMSR):
    """MMSR whose answer is the same every time, on two workers as on a thousand.

    The signs of the workers' skills come from the eigenvector of the smallest eigenvalue of a
    graph: one node per worker and one per pair of workers who agree more than by chance.
    crowd-kit starts an iterative solver for it from a fresh random vector, stores the graph
    as a dense matrix (gigabytes for a few hundred workers), and fails on tiny ones. This is
    the same eigenvector of the same graph: sparse, symmetric, from a fixed start.
    """

    @staticmethod
    def _sign_determination_valid(
        C: NDArray[Any],  # noqa: N803 - the name of the method it replaces
        s_abs: NDArray[Any],
    ) -> NDArray[Any]:
        signed = np.zeros_like(s_abs)
        valid = np.flatnonzero(C.sum(axis=1) != 0)
        if not len(valid):
            return signed  # crowd-kit drops rows that sum to 0: two workers who always agree
        agreement = np.sign(C[np.ix_(valid, valid)])
        apart = csr_array(agreement < 0, dtype=float)
        first, second = np.nonzero(np.triu(agreement > 0))
        pairs = np.arange(len(first))
        shape = (len(first), len(valid))
        ends = coo_array((np.ones(len(first)), (pairs, first)), shape=shape) + coo_array(
            (np.ones(len(first)), (pairs, second)), shape=shape
        )
        signs = np.sign(_last_eigenvector(block_array([[apart, ends.T], [ends, None]])))
        own = signs[: len(valid), None]
        signed[valid] = np.sign(own.sum()) * s_abs[valid] * own
        return signed


def _last_eigenvector(graph: Any) -> NDArray[np.float64]:
    """Return the eigenvector of the lowest eigenvalue of D^-½ A D^-½, A being ``graph``."""
    roots = diags_array(1 / np.sqrt(graph.sum(axis=1)))
    walk = roots @ graph @ roots
    nodes = graph.shape[0]
    if nodes <= DENSE_LIMIT:
        vectors = eigh(walk.toarray(), subset_by_index=[0, 0])[1]
    else:
        start = np.random.default_rng(SEED).random(nodes)
        vectors = eigsh(walk, k=1, which="SA", v0=start)[1]
    return np.asarray(vectors[:, 0], dtype=float)
