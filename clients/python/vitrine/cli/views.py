"""Messages of the contract as tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from google.type.money_pb2 import Money
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from vitrine.profile.v1 import profile_pb2, taste_pb2
from vitrine.retrieval.v1 import match_pb2, search_service_pb2
from vitrine.type.v1 import garment_pb2, model_pb2

_BAR_CELLS = 21


def money(amount: Money) -> str:
    """Writes an amount with two decimals and its currency."""
    return f"{amount.units + amount.nanos / 1e9:,.2f} {amount.currency_code}"


def colors(garment: garment_pb2.Garment, most: int = 3) -> Text:
    """Writes the colours of a garment with a swatch each."""
    text = Text()
    for color in garment.attributes.colors[:most]:
        text.append("■ ", style=color.hex)
        text.append(f"{color.name} {color.share:.0%}  ")
    return text


def garments_table(garments: Iterable[garment_pb2.Garment]) -> RenderableType:
    """Shows garments with what they look like."""
    table = Table(title="Garments", title_justify="left", expand=False)
    for column in ("garment", "score", "colours", "pattern", "fit", "formal", "structured", "minimal"):
        table.add_column(column, justify="right" if column in {"score", "formal", "structured", "minimal"} else "left")
    for garment in garments:
        looks = garment.attributes
        fit = garment_pb2.Silhouette.Name(looks.silhouette).removeprefix("SILHOUETTE_").lower()
        table.add_row(
            garment.category,
            f"{garment.score:.2f}",
            colors(garment),
            looks.pattern,
            "" if fit == "unspecified" else fit,
            f"{looks.style.formality:.0f}",
            f"{looks.style.structure:.0f}",
            f"{looks.style.minimalism:.0f}",
        )
    return table if table.row_count else Text("No garment was found in the picture.", style="yellow")


def matches_table(
    garments: Sequence[garment_pb2.Garment], matches: Iterable[match_pb2.GarmentMatches], most: int = 3
) -> RenderableType:
    """Shows the best products for each garment, and the three ways to spend."""
    by_id = {garment.garment_id: garment.category for garment in garments}
    table = Table(title="Products like them", title_justify="left")
    for column in ("for", "product", "brand", "price", "score", "tier"):
        table.add_column(column, justify="right" if column in {"price", "score"} else "left")
    for found in matches:
        shown = list(found.matches[:most])
        names = {match.product.name for match in shown}
        tiers = {"closest": found.tiers.closest, "lower": found.tiers.lower, "premium": found.tiers.premium}
        tier_of = {match.product.name: tier for tier, match in reversed(tiers.items()) if match.product.name}
        shown += [match for match in tiers.values() if match.product.name and match.product.name not in names]
        for number, match in enumerate(shown):
            table.add_row(
                by_id.get(found.garment_id, found.garment_id) if number == 0 else "",
                match.product.title,
                match.product.brand,
                money(match.product.price),
                f"{match.score:.3f}",
                tier_of.get(match.product.name, ""),
            )
        table.add_section()
    return table if table.row_count else Text("No product was found.", style="yellow")


def search_table(response: search_service_pb2.SearchProductsResponse) -> RenderableType:
    """Shows the matches of a search with the terms of their scores."""
    table = Table()
    for column in ("#", "product", "brand", "price", "score", "because", "would be first with"):
        table.add_column(column, justify="right" if column in {"#", "price", "score"} else "left")
    for match in response.matches:
        because = "  ".join(f"{term.name} {term.contribution:+.2f}" for term in match.terms)
        table.add_row(
            str(match.rank),
            match.product.title,
            match.product.brand,
            money(match.product.price),
            f"{match.score:.3f}",
            because,
            match.counterfactual.description,
        )
    return Group(table, models_line(response.models)) if table.row_count else Text("Nothing was found.", style="yellow")


def radar_table(after: taste_pb2.Radar, before: taste_pb2.Radar | None = None) -> RenderableType:
    """Shows the five axes as bars, with how far each moved when a radar from before is given."""
    was = {axis.axis: axis.score for axis in before.axes} if before else {}
    title = f"Taste ({after.sighting_count} sightings)"
    table = Table(title=title, title_justify="left", show_header=False, box=None)
    for axis in after.axes:
        moved = axis.score - was.get(axis.axis, axis.score)
        table.add_row(
            axis.low_pole,
            _bar(axis.score),
            axis.high_pole,
            f"{axis.score:.0f}",
            Text(f"{moved:+.1f}", style="cyan") if abs(moved) >= 0.05 else "",
        )
    return table


def _bar(score: float) -> Text:
    place = round(score / 100 * (_BAR_CELLS - 1))
    text = Text("─" * place, style="dim")
    text.append("●", style="bold magenta")
    text.append("─" * (_BAR_CELLS - 1 - place), style="dim")
    return text


def models_line(models: Iterable[model_pb2.ModelUse]) -> Text:
    """Names the models that took part, and what is degraded."""
    text = Text("models: ", style="dim")
    for use in models:
        text.append(f"{use.model}  ", style="yellow" if use.degraded else "dim")
        if use.degraded:
            text.append(f"({use.degraded_reason})  ", style="yellow")
    return text


def profile_view(profile: profile_pb2.Profile) -> RenderableType:
    """Shows a profile: taste, preferences, colour season."""
    rows = Table(show_header=False, box=None)
    wants = profile.preferences
    rows.add_row("user", profile.name.removesuffix("/profile"))
    if wants.HasField("budget"):
        rows.add_row("budget", money(wants.budget))
    if wants.sizes:
        rows.add_row("sizes", ", ".join(f"{bucket} {size}" for bucket, size in sorted(wants.sizes.items())))
    if wants.preferred_brands:
        rows.add_row("brands", ", ".join(wants.preferred_brands))
    return Group(rows, radar_table(profile.radar))
