"""The live table and the report: what they say fits, is escaped, loads nothing, and is what happened."""

from __future__ import annotations

import re
import stat
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import grpc
import pytest
from rich.console import Console
from vitrine.cli.live import LiveView
from vitrine.cli.live_table import milliseconds, network_words, spark
from vitrine.cli.report import Report, Section, markdown, save_report
from vitrine.cli.report_html import html
from vitrine.cli.report_picture import clock
from vitrine.ingest.v1 import frame_pb2
from vitrine.ingest.v1 import stream_service_pb2 as pb
from vitrine.sdk import CameraFrame, FrameStream, Reconnected, RpcFailure, Vitrine
from vitrine.sdk.stream_log import StreamLog

pytestmark = pytest.mark.unit
NETWORK = (
    "delay 9.0 ms (median), 136 ms (p95) · 2.1% lost lately · clock at most 400 ms ahead of the mesh's · "
    "drifting -12 ppm"
)
HOSTILE = "</style><script>alert(1)</script>"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def view() -> LiveView:
    """A stream of sixty frames: keyframes, a stall, advice, a broken connection, a good end."""
    clock = Clock()
    async with Vitrine("127.0.0.1:1", user="ada", token="") as mesh:
        stream = FrameStream(mesh)
    stream.name, stream.sent_count = "users/ada/streams/5f0e7a7e-70a5-4c0e-9d0c-6f0c5a6c9a11", 60
    log = StreamLog(stream.ledger, clock)
    seen = LiveView(stream, log)
    seen.take(pb.StreamFramesResponse(ready=pb.StreamReady(name=stream.name)))
    for number in range(1, 61):
        clock.now += 0.1
        log.taken(number, CameraFrame(b"jpeg", 0.0))
        log.sent(number)
        key = number % 20 == 1
        outcome = frame_pb2.FRAME_OUTCOME_PROCESSED if key else frame_pb2.FRAME_OUTCOME_SKIPPED_SAME_SCENE
        ack = frame_pb2.FrameAck(frame_number=number, outcome=outcome)
        stream.ledger.ack(ack)
        seen.take(pb.StreamFramesResponse(ack=ack))
        if key:
            result = frame_pb2.StreamResult(frame_number=number, keyframe_reason=frame_pb2.KEYFRAME_REASON_SCENE_CHANGE)
            garment = result.garments.add(category=f"coat {HOSTILE} [red]")
            garment.attributes.colors.add(name="navy", hex="#1f2a44" if number == 1 else "red;background:url(//x)")
            seen.take(pb.StreamFramesResponse(result=result))
    stall = pb.StreamStall(kind=pb.STALL_KIND_SILENCE, description=f"nothing came | {HOSTILE}")
    stall.duration.FromMilliseconds(1500)
    seen.take(pb.StreamFramesResponse(stall=stall))
    advice = pb.QualityAdvice(frame_rate_fps=8, long_side_px=480, jpeg_quality=70, description="the way up is slow")
    seen.take(pb.StreamFramesResponse(quality_advice=advice))
    seen.take(Reconnected(RpcFailure(grpc.StatusCode.UNAVAILABLE, "gone", "", {}, {}, None, ""), 0.5, 0))
    totals = frame_pb2.FrameTotals(
        highest_frame_number=60, received_count=60, processed_count=3, skipped_same_scene_count=57
    )
    stats = pb.StreamStats(totals=totals, final=True, loss_rate=0.021, clock_drift_ppm=-12)
    stats.delay_p50.FromMilliseconds(9)
    stats.delay_p95.FromMilliseconds(136)
    stats.clock_offset.FromMilliseconds(-400)
    seen.take(pb.StreamFramesResponse(stats=stats))
    return seen


def lines(shown: object, width: int = 80) -> list[str]:
    out = StringIO()
    Console(file=out, width=width, color_system=None).print(shown)
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 200])
def test_live_table_shows_rates_latency_stalls_and_advice(view: LiveView, width: int) -> None:
    for shown in (lines(view, width), lines(view.summary(), width)):
        text = "\n".join(shown)
        assert max(len(line.rstrip()) for line in shown) <= width
        assert re.search(r"camera +(10\.\d +)?10\.0 +answer +0\.0 ms", text), text
        assert "57 same scene" in text
        assert "stalls: 1 silence (1.5 s)" in text
        assert "advice: 8 fps, 480 px, JPEG 70 (the way up is slow)" in text
        assert "[red]" in text, "what comes from outside is not markup"
    assert "now: nothing came" in "\n".join(lines(view))
    ended = " ".join(lines(view.summary(), 200))
    assert "client and server agree: 60 numbers, 60 frames arrived" in ended
    assert f"the way up: {NETWORK}" in ended
    assert "now:" not in ended


class Reader(HTMLParser):
    """Counts tags, and notes what a page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.open: Counter[str] = Counter()
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[tag] += 1
        self.loads += [name for name, _ in attrs if name in ("src", "href", "action", "onload", "srcset")]
        self.loads += [value for name, value in attrs if name == "style" and "url" in (value or "") and value]


async def test_live_table_says_why_nothing_moves() -> None:
    async with Vitrine("127.0.0.1:1", user="ada", token="") as mesh:
        stream = FrameStream(mesh)
    view = LiveView(stream)
    stream.absence.goes_on(RpcFailure.broken("ingest does not answer; try again soon"))
    shown = "\n".join(lines(view))
    assert re.search(r"no connection for \d+\.\d s \(ingest does not answer\); trying again", shown), shown
    assert stream.absence.over(0)
    assert stream.absence.lasts_s == 0
    assert "no connection" not in "\n".join(lines(view))
    view.end()
    assert "Ctrl-C again leaves it" in "\n".join(lines(view))
    assert "Ctrl-C" not in "\n".join(lines(view.summary()))


@pytest.mark.parametrize(
    ("found", "degraded", "nothing"),
    [("coat", (), False), ("", (), True), ("", ("matches",), False)],
    ids=["a product", "no product", "shop away"],
)
async def test_garments_without_a_product_are_wondered_at(found: str, degraded: tuple[str, ...], nothing: bool) -> None:
    async with Vitrine("127.0.0.1:1", user="ada", token="") as mesh:
        view = LiveView(FrameStream(mesh))
    assert not view.found_nothing
    result = frame_pb2.StreamResult(frame_number=1, degraded_parts=degraded)
    result.garments.add(garment_id="g0", category="coat")
    like = result.matches.add(garment_id="g0")
    if found:
        like.matches.add().product.title = found
    view.take(pb.StreamFramesResponse(result=result))
    assert view.found_nothing is nothing
    assert ("no products: the shop is away" in "\n".join(lines(view))) == bool(degraded)


def test_page_loads_nothing_and_lets_no_words_become_tags(view: LiveView) -> None:
    page = html(Report.of(f"walk {HOSTILE}", view, [Section("Beside", (f"a line {HOSTILE}",))]))
    reader = Reader()
    reader.feed(page)
    assert reader.loads == []
    assert not reader.open["script"]
    assert not re.search(r"https?:|@import|url\(", page)
    assert "prefers-color-scheme: dark" in page
    assert page.count("#1f2a44") == 1
    for words in (
        "60 frames",
        "57",
        "95.0%",
        "✓ client and server agree",
        "silence at",
        "8 fps, 480 px",
        "a line &lt;",
    ):
        assert words in page
    assert len(page) < 60_000


def test_picture_has_a_column_as_high_as_frames_came(view: LiveView) -> None:
    page = html(Report.of("walk", view))
    found = re.search(r"<svg.*</svg>", page, re.DOTALL)
    assert found
    svg = ET.fromstring(found[0])  # noqa: S314  our own
    heights: defaultdict[str, float] = defaultdict(float)
    for rect in svg.iter("rect"):
        heights[rect.attrib["class"]] += float(rect.attrib["height"])
    assert heights["o-skipped_same_scene"] / heights["o-processed"] == pytest.approx(57 / 3, rel=0.02)
    assert {"span silence", "span reconnect"} <= set(heights)
    assert sum(path.attrib["class"] == "key" for path in svg.iter("path")) == 3
    lines_y = [float(line.attrib["y1"]) for line in svg.iter("line")]
    labels = [it.text or "" for it in svg.iter("text") if it.attrib.get("text-anchor") == "end"]
    per_frame = (max(lines_y) - min(lines_y)) / max(float(it) for it in labels)
    assert heights["o-processed"] == pytest.approx(3 / 0.5 * per_frame, rel=0.01)


def test_markdown_says_the_same(view: LiveView) -> None:
    text = markdown(Report.of("walk.mp4 at 10 fps", view, [Section("Beside", ("a line",))]))
    assert text.startswith("# walk.mp4 at 10 fps\n")
    assert "| same scene | 57 | 95.0% |" in text
    assert f"| the way up | {NETWORK} |" in text
    assert "OK: client and server agree" in text
    assert "* silence at 4.5 s for 1.5 s" in text
    assert "* a line" in text
    rows = [line for line in text.splitlines() if line.startswith("| ") and "scene change" in line]
    assert len(rows) == 3
    assert all(row.count("|") == 6 for row in rows)


@pytest.mark.parametrize("ending", [".html", ".md"])
def test_report_is_its_owners_alone_also_where_one_stood(view: LiveView, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"report{ending}"
    path.write_text("before")
    path.chmod(0o644)
    save_report(Report.of("walk", view), path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().startswith("<!doctype html>" if ending == ".html" else "# walk")


async def test_stream_without_a_last_word_has_no_books() -> None:
    async with Vitrine("127.0.0.1:1", user="ada", token="") as mesh:
        report = Report.of("walk", LiveView(FrameStream(mesh)))
    assert report.agrees is None
    assert "NOT OK: the server did not say its last word" in markdown(report)
    assert "✗ the server did not say its last word" in html(report)


def test_small_parts_of_the_table() -> None:
    assert [milliseconds(it) for it in (None, 0.04, 9.96, 12.3, 1234.5)] == [
        "-",
        "0.0 ms",
        "10.0 ms",
        "12 ms",
        "1,234 ms",
    ]
    assert [clock(it) for it in (0, 59.6, 61, 3661)] == ["0:00", "1:00", "1:01", "1:01:01"]
    assert network_words(None) == network_words(pb.StreamStats()) == ""
    assert spark([]) == spark([0, 0]) == ""
    assert spark([0, 1, 2, 4, 8]) == " ▁▂▄█"
    assert len(spark(range(1000), 40)) == 40
