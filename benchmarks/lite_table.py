"""Size, one-thread latency, peak memory and cosine of every model of a bundle, as a table for `docs/lite.md`.

    python benchmarks/lite_table.py BUNDLE…

One image at a time on one thread, which is what a phone or a board has to spare. Each case runs in a process of its
own, so that the peak memory is that of one engine with Python beneath it. Latency is the median over a case's images,
of the best of `ROUNDS` rounds in which all cases take turns; the ratio is to ONNX Runtime in fp32 in the same run. The
cosine is the lowest over drawn people, against ONNX Runtime in fp32.
"""

from __future__ import annotations

import sys
from pathlib import Path

from reseen.bench.measure import REFERENCE, Measured, cases_of, engines_of, measure_cases
from reseen.bundle.bundle import open_bundle
from reseen.engines.choose import PRECISIONS

ROUNDS = 3
SECONDS = 2.0
HEAD = """\
| engine | precision | file, MB | ms an image | ONNX Runtime's time × | peak memory, MB | lowest cosine |
|---|---|--:|--:|--:|--:|--:|"""


def main() -> int:
    """Print a table for each bundle."""
    for folder in sys.argv[1:]:
        print(f"{open_bundle(Path(folder)).description.name}\n\n{HEAD}")
        print(*rows(Path(folder)), "", sep="\n", flush=True)
    return 0


def rows(folder: Path) -> list[str]:
    """Lines of the table of one bundle."""
    bundle = open_bundle(folder)
    cases = cases_of(bundle, engines_of(bundle, PRECISIONS), PRECISIONS, batch_sizes=[1], threads=[1])
    rounds = [list(measure_cases(bundle, cases, SECONDS)) for _ in range(ROUNDS)]
    best = [min(turns, key=latency) for turns in zip(*rounds, strict=True)]
    reference = next(
        latency(each) for each in best if (each.case.engine, each.case.precision) == (REFERENCE.engine, "fp32")
    )
    return [row(each, reference) for each in best]


def row(measured: Measured, reference: float) -> str:
    """One case."""
    figures, case = measured.figures, measured.case
    assert figures is not None
    assert measured.cosine is not None
    return (
        f"| {case.engine} | {case.precision} | {measured.file_bytes / 1e6:.2f} | {figures.p50_ms:.1f} "
        f"| {figures.p50_ms / reference:.2f} | {figures.peak_memory_mb:.0f} | {measured.cosine:.5f} |"
    )


def latency(measured: Measured) -> float:
    """Milliseconds an image."""
    assert measured.figures is not None, measured.reason
    return measured.figures.p50_ms


if __name__ == "__main__":
    sys.exit(main())
