from __future__ import annotations

import json

from reseen.datasets.report import BrokenFile, DatasetReport, Duplicates, Part, Sizes, SkippedQuery
from reseen.scores.matches import SkipReason

REPORT = DatasetReport(
    name="people",
    root="data/people",
    parts=(
        Part("train", images=12_936, persons=751, distractors=0, junk=0),
        Part("gallery", images=15_913, persons=750, distractors=2_798, junk=3_819),
    ),
    files=32_668,
    cameras=("c1", "c2"),
    broken=(BrokenFile("a.jpg", "a.jpg is empty (0 bytes)"),),
    sizes=Sizes(smallest_height=20, largest_height=900, smallest_width=40, largest_width=2_000, different=3),
    duplicates=(
        Duplicates(("b.jpg", "c.jpg"), splits=("train",), persons=("1",)),
        Duplicates(("d.jpg", "e.jpg"), splits=("query", "train"), persons=("1", "2")),
    ),
    one_image=(),
    one_camera=tuple(str(number) for number in range(1_200)),
    overlap=("1", "2"),
    skipped=(
        SkippedQuery("q1.jpg", "1", SkipReason.OWN_CAMERA_ONLY),
        SkippedQuery("q2.jpg", "2", SkipReason.NOT_IN_GALLERY),
        SkippedQuery("q3.jpg", "3", SkipReason.OWN_CAMERA_ONLY),
    ),
    passed_over=("anna/1.heic", "readme.txt"),
)


def test_the_text_tells_every_finding_and_cuts_long_lists_short() -> None:
    assert list(REPORT.lines()) == [
        "people (data/people)",
        "train: 12,936 images of 751 people",
        "gallery: 15,913 images of 750 people (13,115 + 2,798 distractors), 3,819 junk dropped",
        "cameras: 2 (c1, c2)",
        "sizes: 3 different, height 20 to 900, width 40 to 2000 pixels",
        "files: 32,668 decoded, 1 broken",
        "  a.jpg is empty (0 bytes)",
        "files ignored, not a supported image: 2 (anna/1.heic, readme.txt)",
        "duplicates: 2 groups of files with the same content, 1 across parts",
        "  d.jpg = e.jpg",
        "  b.jpg = c.jpg",
        "people with one image: 0",
        "people seen by one camera: 1,200 (0, 1, 2, 3, 4, 5, 6, 7, …)",
        "people both in training and in evaluation: 2 (1, 2)",
        "queries that would be skipped: 3",
        "  only seen by the query's own camera: 2 (q1.jpg, q3.jpg)",
        "  person not in gallery: 1 (q2.jpg)",
    ]


def test_an_unknown_camera_and_a_dataset_without_parts_are_told() -> None:
    part = Part(None, images=2, persons=1, distractors=0, junk=0)
    report = DatasetReport("people", "data", (part,), 2, (), (), None, (), (), (), (), ())
    assert list(report.lines())[1:4] == [
        "all: 2 images of 1 people",
        "cameras: not known",
        "files: 2 decoded, 0 broken",
    ]


def test_the_whole_report_goes_into_json() -> None:
    found = json.loads(json.dumps(REPORT.to_dict()))
    assert found["parts"][1] == {
        "split": "gallery", "images": 15_913, "persons": 750, "distractors": 2_798, "junk": 3_819,
    }  # fmt: skip
    assert found["broken"] == [{"path": "a.jpg", "reason": "a.jpg is empty (0 bytes)"}]
    assert found["sizes"]["different"] == 3
    assert found["duplicates"][1] == {"paths": ["d.jpg", "e.jpg"], "splits": ["query", "train"], "persons": ["1", "2"]}
    assert len(found["one_camera"]) == 1_200
    assert found["skipped"][0] == {"path": "q1.jpg", "person": "1", "reason": SkipReason.OWN_CAMERA_ONLY}
