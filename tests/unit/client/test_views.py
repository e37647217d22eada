"""What people see of the command line's answers."""

from __future__ import annotations

import pytest
from google.type.money_pb2 import Money
from rich.console import Console, RenderableType
from vitrine.cli import views
from vitrine.cli.live import LiveView
from vitrine.cli.live_table import keyframes_table
from vitrine.ingest.v1 import frame_pb2, stream_service_pb2
from vitrine.profile.v1 import taste_pb2
from vitrine.retrieval.v1 import match_pb2, product_pb2, search_service_pb2
from vitrine.sdk import FrameStream, Vitrine
from vitrine.type.v1 import color_pb2, garment_pb2, model_pb2
from vitrine.words import counted

pytestmark = pytest.mark.unit
TITLE = "Oversized charcoal linen elbow-sleeved double-breasted blouse [new]"


def _lines(view: RenderableType, width: int = 80) -> list[str]:
    console = Console(width=width, force_terminal=False)
    with console.capture() as captured:
        console.print(view)
    return [line.rstrip() for line in captured.get().splitlines()]


def _match(rank: int, counterfactual: str = "") -> match_pb2.ProductMatch:
    names = ("cosine", "keyword", "price", "brand", "availability")
    return match_pb2.ProductMatch(
        rank=rank,
        score=0.5,
        product=product_pb2.Product(
            name=f"products/{rank}", title=TITLE, brand="Maison Quatorze", price=Money(units=16790, currency_code="JPY")
        ),
        terms=[match_pb2.ScoreTerm(name=name, contribution=0.1) for name in names],
        counterfactual=match_pb2.Counterfactual(description=counterfactual),
    )


def _garment() -> garment_pb2.Garment:
    colors = [color_pb2.Color(name=name, hex="#102030", share=0.3) for name in ("midnight blue", "dusty pink")]
    looks = garment_pb2.GarmentAttributes(
        colors=[*colors, colors[0]], pattern="patterned", silhouette=garment_pb2.SILHOUETTE_OVERSIZED
    )
    return garment_pb2.Garment(garment_id="g", category="trousers", score=0.7, attributes=looks)


@pytest.mark.parametrize("width", [80, 120])
def test_search_takes_two_lines_a_product(width: int) -> None:
    found = search_service_pb2.SearchProductsResponse(matches=[_match(rank) for rank in range(1, 11)])
    lines = _lines(views.search_table(found), width)
    assert len(lines) == 2 * 10 + 2
    assert lines[0].startswith(" 1  Oversized charcoal linen")
    assert lines[0].endswith("16,790.00 JPY  0.500")
    assert lines[1].strip() == "cosine +0.10  keyword +0.10  price +0.10  brand +0.10  availability +0.10"


def test_search_says_what_would_be_first() -> None:
    found = search_service_pb2.SearchProductsResponse(matches=[_match(2, "12.00 EUR less would make it first")])
    assert "12.00 EUR less would make it first" in _lines(views.search_table(found))[2]


def test_search_says_how_a_text_was_read_and_what_had_no_influence() -> None:
    phrases = [
        search_service_pb2.ReadPhrase(text="navy", field="colors"),
        search_service_pb2.ReadPhrase(text="size M", field="sizes"),
        search_service_pb2.ReadPhrase(text="no jeans", field="exclusions.categories"),
        search_service_pb2.ReadPhrase(text="under 50 XYZ"),
    ]
    found = search_service_pb2.SearchProductsResponse(
        matches=[_match(1)],
        understood=search_service_pb2.TextWishes(phrases=phrases, dropped_fields=["sizes"]),
        unused_context=["color_season"],
    )
    lines = _lines(views.search_table(found), 200)
    assert lines[0] == (
        "read as: navy (colors), size M (sizes, given up), no jeans (no such categories), under 50 XYZ (no filter)"
    )
    assert "known of you, and without influence: color season" in lines
    found.ClearField("matches")
    assert _lines(views.search_table(found), 200)[0].startswith("read as: navy")


def test_search_shows_converted_prices_where_asked() -> None:
    match = _match(1)
    match.converted_price.CopyFrom(Money(units=103, currency_code="EUR"))
    found = search_service_pb2.SearchProductsResponse(matches=[match])
    assert "103.00 EUR" in _lines(views.search_table(found, converted=True))[0]


def test_brackets_of_titles_are_no_markup() -> None:
    found = search_service_pb2.SearchProductsResponse(matches=[_match(1)])
    assert "[new]" in _lines(views.search_table(found), 200)[0]


def test_garments_are_not_cut_at_80_columns() -> None:
    first, second = _lines(views.garments_table([_garment()]))[1:]
    assert first.strip() == "trousers  0.70  ■ midnight blue 30%  ■ dusty pink 30%  ■ midnight blue 30%"
    assert second.strip() == "patterned · oversized · formal 0 · structured 0 · minimal 0"


def test_matches_take_a_line_a_product_with_its_tier() -> None:
    tiers = match_pb2.PriceTiers(closest=_match(1), premium=_match(4))
    found = match_pb2.GarmentMatches(garment_id="g", matches=[_match(1), _match(2), _match(3)], tiers=tiers)
    lines = _lines(views.matches_table([_garment()], [found]))
    assert lines[0] == "Products like the trousers"
    assert [line.split()[-1] for line in lines[1:]] == ["closest", "0.500", "0.500", "premium"]


def test_a_model_that_did_two_things_is_named_once() -> None:
    uses = [
        model_pb2.ModelUse(task="a", model="one/1"),
        model_pb2.ModelUse(task="b", model="two/1"),
        model_pb2.ModelUse(task="c", model="one/1", degraded=True, degraded_reason="no weights"),
    ]
    assert views.models_line(uses).plain == "models: one/1 degraded: no weights, two/1"


@pytest.mark.parametrize(("count", "words"), [(0, "0 faces"), (1, "1 face"), (1200, "1,200 faces")])
def test_nouns_agree_with_their_number(count: int, words: str) -> None:
    assert counted(count, "face") == words


def test_undone_sighting_is_told() -> None:
    lines = _lines(views.taste_change(taste_pb2.TasteChange(undo=True)))
    assert lines[0].endswith("a sighting was taken back")
    assert lines[1] == "Taste (0 sightings)"


def _seen_twice() -> list[taste_pb2.GarmentAttribution]:
    deltas = [
        taste_pb2.AxisDelta(axis="casual_formal", delta=0.3, towards="formal"),
        taste_pb2.AxisDelta(axis="structured_relaxed", delta=-4.06, towards="structured"),
        taste_pb2.AxisDelta(axis="neutral_colorful", delta=0.01, towards="colorful"),
    ]
    coat = taste_pb2.GarmentAttribution(category="coat", color_name="navy", deltas=deltas, summary="navy coat: +4")
    bag = taste_pb2.GarmentAttribution(category="bag", color_name="black", repeat_of_event_id="e1")
    return [coat, bag, taste_pb2.GarmentAttribution(category="hat")]


def test_garments_that_counted_before_are_told_apart_from_those_that_count_now() -> None:
    lines = _lines(views.attributions_table(_seen_twice()))
    assert [line.strip() for line in lines[1:]] == [
        "navy coat  +4.1 structured, +0.3 formal",
        "black bag  already counted",
        "hat        counted, moved nothing",
    ]
    change = taste_pb2.TasteChange(attributions=_seen_twice())
    assert _lines(views.taste_change(change))[0].endswith("navy coat: +4, black bag already counted")


def test_keyframe_says_how_many_garments_had_counted_before() -> None:
    result = frame_pb2.StreamResult(garments=[_garment()])
    result.taste_change.attributions.extend(_seen_twice())
    assert "navy coat: +4 · 1 garment already counted" in "\n".join(_lines(keyframes_table([result])))


def test_ways_of_dressing_show_share_and_drift() -> None:
    tastes = [
        taste_pb2.Taste(label="overall", weight=1, sighting_count=9),
        taste_pb2.Taste(label="navy, structured", weight=0.4, sighting_count=4),
    ]
    tastes[1].drift_deltas.add(axis="casual_formal", delta=-12.2, towards="casual")
    lines = _lines(views.tastes_table(tastes))
    assert lines[1].split() == ["overall", "100%", "9", "outfits"]
    assert lines[2].split()[2:] == ["40%", "4", "outfits", "+12", "casual", "in", "30", "days"]
    assert "eight outfits" in _lines(views.tastes_table(tastes[:1]))[-1]
    assert "none before the first outfit" in _lines(views.tastes_table([]))[0]


async def test_end_of_a_stream_shows_its_keyframes_and_what_became_of_each_frame() -> None:
    async with Vitrine("127.0.0.1:1", user="ada", token="") as mesh:
        view = LiveView(FrameStream(mesh))
    for number in range(1, 61):
        result = frame_pb2.StreamResult(
            frame_number=number, keyframe_reason=frame_pb2.KEYFRAME_REASON_SCENE_CHANGE, garments=[_garment()]
        )
        result.processing_time.FromMilliseconds(number)
        if number % 2 == 0:
            result.taste_change.before.axes.add(score=number)
            result.taste_change.after.axes.add(score=number + 1)
        view.take(stream_service_pb2.StreamFramesResponse(result=result))
    totals = frame_pb2.FrameTotals(processed_count=60, skipped_interval_count=540, lost_count=1)
    view.take(stream_service_pb2.StreamFramesResponse(stats=stream_service_pb2.StreamStats(totals=totals, final=True)))
    text = "\n".join(_lines(view.summary()))
    assert text.count("scene change") == 50
    assert "... 10 keyframes before these" in text
    assert "60 keyframes · 540 too soon · 1 lost" in text
    assert "30 ms (median), 60 ms (longest)" in text
    assert "\n".join(_lines(view)).count("scene change") == 4
    taste = view.taste()
    assert taste is not None
    assert "+59.0" in "\n".join(_lines(taste))  # from before the first change to after the last
