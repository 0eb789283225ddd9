from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

MEASURING = """
<script>
addEventListener("load", () => {
  const images = [...document.images].map(image => [image.naturalWidth, image.width, image.height]);
  parent.postMessage({images, page: document.documentElement.scrollWidth, window: innerWidth}, "*");
});
</script>
"""
FRAME = """
<script>
addEventListener("message", event => {
  const measured = document.createElement("pre");
  measured.id = "measured";
  measured.textContent = JSON.stringify(event.data);
  document.body.append(measured);
});
</script>
<iframe src="measured.html" width="WIDTH" height="2000" frameborder="0"></iframe>
"""


class FirstMinute(NamedTuple):
    """What `reseen demo` left behind."""

    folder: Path
    out: str
    err: str


@pytest.fixture(scope="module")
def first_minute(tmp_path_factory: pytest.TempPathFactory) -> FirstMinute:
    """The whole demo, as a user runs it."""
    folder = tmp_path_factory.mktemp("first minute") / "demo"
    command = [sys.executable, "-W", "error", "-m", "reseen", "demo", "--out", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1500)
    assert done.returncode == 0, done.stderr
    return FirstMinute(folder, done.stdout, done.stderr)


def figures(text: str) -> dict[str, tuple[float, float]]:
    """rank-1 and mAP by what was evaluated."""
    lines = re.findall(r"^([a-z ,]+): +rank-1 +([\d.]+) %, mAP +([\d.]+) %$", text, re.MULTILINE)
    return {name: (float(rank1), float(mAP)) for name, rank1, mAP in lines}


def test_p1_first_minute_training_helps_much_and_is_not_yet_perfect(first_minute: FirstMinute) -> None:
    found = figures(first_minute.out)

    assert list(found) == ["shipped model, easy people", "untrained network", "trained network"]
    assert found["shipped model, easy people"][0] > 85
    before, after = found["untrained network"], found["trained network"]
    assert before[0] < 15
    assert 100 > after[0] >= before[0] + 25
    assert after[1] >= before[1] + 15
    assert re.search(
        r"^exported bundle: +agrees with the network to \de-\d\d in every number$", first_minute.out, re.MULTILINE
    )


def test_p1_first_minute_is_what_the_readme_says(first_minute: FirstMinute, repository: Path) -> None:
    # tests/house/test_readmes.py sees to it that the quick start says the same.
    found, told = figures(first_minute.out), figures((repository / "README.md").read_text(encoding="utf-8"))

    assert list(told) == list(found)
    # Processors round differently, and a training amplifies that.
    for name, pair in told.items():
        assert pair == pytest.approx(found[name], abs=10), name


def test_p1_first_minute_says_how_long_it_took_and_where_to_look(first_minute: FirstMinute) -> None:
    told = re.search(r"^done in (\d+) s; look at (.*)$", first_minute.err, re.MULTILINE)

    assert told is not None
    assert int(told[1]) > 0
    assert Path(told[2]) == first_minute.folder / "report.html"
    assert Path(told[2]).is_file()


def test_p1_first_minute_leaves_a_run_that_can_be_evaluated_again(first_minute: FirstMinute) -> None:
    run = first_minute.folder / "trained" / "run"
    command = ["evaluate", "-c", run / "recipe.yaml", "--weights", run / "checkpoints" / "best"]
    command += ["--data", first_minute.folder / "trained" / "people", "--json"]

    done = subprocess.run(
        [sys.executable, "-m", "reseen", *map(str, command)], capture_output=True, text=True, check=True, timeout=300
    )

    again = json.loads(done.stdout)
    expected = pytest.approx((100 * again["recall1"], 100 * again["mAP"]), abs=0.06)
    assert figures(first_minute.out)["trained network"] == expected


def test_p1_first_minute_makes_a_page_that_needs_nothing_else(first_minute: FirstMinute) -> None:
    page = (first_minute.folder / "report.html").read_text(encoding="utf-8")

    assert "http:" not in page
    assert "https:" not in page
    assert "<script" not in page
    assert all(source.startswith("data:image/") for source in re.findall(r'src="([^"]*)"', page))


@pytest.mark.parametrize("width", [1000, 390], ids=["desktop", "phone"])
def test_p1_first_minute_page_shows_its_pictures_and_does_not_scroll_sideways(
    width: int, first_minute: FirstMinute, chromium: Path, tmp_path: Path
) -> None:
    measured = open_page(first_minute.folder / "report.html", width, chromium, tmp_path)

    assert measured["window"] == width
    assert measured["page"] <= width
    assert len(measured["images"]) == 1 + 6 * (1 + 8)
    for natural_width, shown_width, shown_height in measured["images"]:
        assert natural_width > 60
        assert shown_width > 70
        assert shown_height > 140


def open_page(page: Path, width: int, chromium: Path, scratch: Path) -> dict[str, Any]:
    """What a browser makes of a page: its pictures' widths and sizes as shown, and the widths of page and window.

    The page is put into a frame, for a browser's own window has a smallest width.
    """
    text = page.read_text(encoding="utf-8")
    (scratch / "measured.html").write_text(text.replace("</body>", MEASURING + "</body>"), encoding="utf-8")
    frame = scratch / "frame.html"
    frame.write_text(FRAME.replace("WIDTH", str(width)), encoding="utf-8")
    command = [str(chromium), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += [f"--user-data-dir={scratch / 'profile'}", "--window-size=1200,2100", "--virtual-time-budget=10000"]
    done = subprocess.run(
        [*command, "--dump-dom", frame.as_uri()], capture_output=True, text=True, check=True, timeout=120
    )
    found = re.search(r'<pre id="measured">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found is not None, done.stderr
    return dict(json.loads(html.unescape(found[1])))
