"""Messages of the contract as tables that fit 80 columns.

Words that come from outside (titles, brands, reasons) are `Text`, so that brackets in them are not read as markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC

from rich.console import Group, RenderableType
from rich.constrain import Constrain
from rich.table import Table
from rich.text import Text
from vitrine.profile.v1 import profile_pb2, taste_pb2
from vitrine.retrieval.v1 import match_pb2, product_pb2, search_service_pb2
from vitrine.type.v1 import garment_pb2, model_pb2
from vitrine.words import counted, did, drift, money, worn

_BAR_CELLS = 21
_PRICE_CELLS = 13
_WIDTH_CELLS = 100  # with more, the eye loses its line between a title and its price


def colors(garment: garment_pb2.Garment, most: int = 3) -> Text:
    """Writes the colours of a garment with a swatch each."""
    shown = garment.attributes.colors[:most]
    return Text("  ").join(Text.assemble(("■ ", color.hex), f"{color.name} {color.share:.0%}") for color in shown)


def _rows(*right: int) -> Table:
    """A table without lines: one column as wide as there is room, and so many right of it, of these widths."""
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    for cells in right:
        table.add_column(justify="right", min_width=cells, no_wrap=True)
    return table


def _under(title: str, *parts: RenderableType) -> RenderableType:
    return Group(Text(title, style="bold"), *parts)


def garments_table(garments: Iterable[garment_pb2.Garment]) -> RenderableType:
    """Shows garments with what they look like: colours, and below them pattern, fit and the three scores of 0-100."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for garment in garments:
        table.add_row(Text(f"  {garment.category}"), f"{garment.score:.2f}", colors(garment))
        table.add_row("", "", Text(_looks(garment.attributes), style="dim"))
    if not table.row_count:
        return Text("No garment was found in the picture.", style="yellow")
    return _under("Garments, with how sure the model is", table)


def _looks(looks: garment_pb2.GarmentAttributes) -> str:
    fit = garment_pb2.Silhouette.Name(looks.silhouette).removeprefix("SILHOUETTE_").lower()
    style = looks.style
    parts = [looks.pattern, "" if fit == "unspecified" else fit.replace("_", " "), f"formal {style.formality:.0f}"]
    parts += [f"structured {style.structure:.0f}", f"minimal {style.minimalism:.0f}"]
    return " · ".join(filter(None, parts))


def matches_table(
    garments: Sequence[garment_pb2.Garment], matches: Iterable[match_pb2.GarmentMatches], most: int = 3
) -> RenderableType:
    """Shows the best products for each garment, and the three ways to spend."""
    by_id = {garment.garment_id: garment.category for garment in garments}
    table = _rows(_PRICE_CELLS, 5, 7)
    for found in matches:
        table.add_row(Text(f"Products like the {by_id.get(found.garment_id, found.garment_id)}", style="bold"))
        shown = list(found.matches[:most])
        names = {match.product.name for match in shown}
        tiers = {"closest": found.tiers.closest, "lower": found.tiers.lower, "premium": found.tiers.premium}
        tier_of = {match.product.name: tier for tier, match in reversed(tiers.items()) if match.product.name}
        shown += [match for match in tiers.values() if match.product.name and match.product.name not in names]
        for match in shown:
            table.add_row(_product(match.product), *_worth(match), Text(tier_of.get(match.product.name, "")))
    return Constrain(table, _WIDTH_CELLS) if table.row_count else Text("No product was found.", style="yellow")


def _product(product: product_pb2.Product) -> Text:
    return Text.assemble("  ", product.title, (f" · {product.brand}" if product.brand else "", "dim"))


def _worth(match: match_pb2.ProductMatch) -> tuple[Text, Text]:
    return Text(money(match.product.price)), Text(f"{match.score:.3f}")


def search_table(response: search_service_pb2.SearchProductsResponse, *, converted: bool = False) -> RenderableType:
    """Shows the matches of a search, each with the terms that its score is the sum of.

    Args:
        response: The answer.
        converted: Show converted prices, and not those of the shop.
    """
    understood = _understood(response.understood)
    if not response.matches:
        return Group(*understood, Text("Nothing was found.", style="yellow"))
    parts: list[RenderableType] = [*understood]
    for match in response.matches:
        head = _rows(_PRICE_CELLS, 5)
        price, score = _worth(match)
        if converted:
            price = Text(money(match.converted_price))
        head.add_row(Text.assemble(f"{match.rank:2}", _product(match.product)), price, score)
        terms = "  ".join(f"{term.name} {term.contribution:+.2f}" for term in match.terms if term.contribution)
        parts += [Constrain(head, _WIDTH_CELLS), Text(f"    {terms}", style="dim", no_wrap=True, overflow="ellipsis")]
        if match.counterfactual.description:
            parts.append(Text(f"    {match.counterfactual.description}", style="cyan"))
    parts.append(Text("The score is the sum of the terms below it.", style="dim"))
    if response.unused_context:
        unused = ", ".join(response.unused_context).replace("_", " ")
        parts.append(Text(f"known of you, and without influence: {unused}", style="yellow"))
    return Group(*parts, models_line(response.models))


def _understood(wishes: search_service_pb2.TextWishes) -> list[Text]:
    """Tells which parts of a text filter, and which were understood and filter nothing."""
    read = [f"{phrase.text} ({_meaning(phrase.field, wishes)})" for phrase in wishes.phrases]
    return [Text(f"read as: {', '.join(read)}", style="dim")] if read else []


def _meaning(field: str, wishes: search_service_pb2.TextWishes) -> str:
    if not field:
        return "no filter"
    words = field.replace("exclusions.", "no such ").replace("_", " ")
    return f"{words}, given up" if field in wishes.dropped_fields else words


def radar_table(after: taste_pb2.Radar, before: taste_pb2.Radar | None = None, title: str = "Taste") -> RenderableType:
    """Shows the five axes as bars, with how far each moved when a radar from before is given."""
    was = {axis.axis: axis.score for axis in before.axes} if before else {}
    table = Table.grid(padding=(0, 2, 0, 0))
    for axis in after.axes:
        moved = axis.score - was.get(axis.axis, axis.score)
        table.add_row(
            f"  {axis.low_pole}",
            _bar(axis.score),
            axis.high_pole,
            Text(f"{axis.score:.0f}", justify="right"),
            Text(f"{moved:+.1f}", style="cyan", justify="right") if abs(moved) >= 0.05 else "",
        )
    return _under(f"{title} ({counted(after.sighting_count, 'sighting')})", table)


def attributions_table(attributions: Iterable[taste_pb2.GarmentAttribution]) -> RenderableType:
    """Shows what each garment of a sighting did to the taste, or that it had counted before."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for each in attributions:
        table.add_row(Text(f"  {worn(each)}"), Text(did(each), style="yellow" if each.repeat_of_event_id else "cyan"))
    return _under("What each garment did to the taste", table) if table.row_count else Text("No garment counted.")


def tastes_table(tastes: Sequence[taste_pb2.Taste]) -> RenderableType:
    """Shows the ways of dressing: the overall one, and the groups of like outfits with their share and drift."""
    if not tastes:
        return Text("Ways of dressing: none before the first outfit.", style="dim")
    table = Table.grid(padding=(0, 2, 0, 0))
    for taste in tastes:
        outfits = counted(taste.sighting_count, "outfit")
        table.add_row(Text(f"  {taste.label}"), f"{taste.weight:4.0%}", outfits, Text(drift(taste), style="cyan"))
    alone = [Text("  groups of like outfits show from eight outfits on", style="dim")] if len(tastes) == 1 else []
    return _under("Ways of dressing", table, *alone)


def taste_change(change: taste_pb2.TasteChange) -> RenderableType:
    """Shows one change of the taste: when, which garments, and the axes."""
    when = change.record_time.ToDatetime(UTC).astimezone().strftime("%H:%M:%S")
    what = "a sighting was taken back" if change.undo else _told(change.attributions)
    return Group(Text(f"{when}  {what or 'a sighting'}", style="cyan"), radar_table(change.after, change.before))


def _told(attributions: Iterable[taste_pb2.GarmentAttribution]) -> str:
    parts = [f"{worn(it)} already counted" if it.repeat_of_event_id else it.summary for it in attributions]
    return ", ".join(filter(None, parts))


def _bar(score: float) -> Text:
    place = round(score / 100 * (_BAR_CELLS - 1))
    text = Text("─" * place, style="dim")
    text.append("●", style="bold magenta")
    text.append("─" * (_BAR_CELLS - 1 - place), style="dim")
    return text


def models_line(models: Iterable[model_pb2.ModelUse]) -> Text:
    """Names each model that took part once, and says what is degraded."""
    named = {use.model: "" for use in models} | {use.model: use.degraded_reason for use in models if use.degraded}
    degraded = {use.model for use in models if use.degraded}
    text = Text("models: ", style="dim")
    for number, (model, reason) in enumerate(named.items()):
        text.append(", " if number else "", style="dim")
        text.append(f"{model} degraded: {reason}" if model in degraded else model, style="yellow" * (model in degraded))
    return text


def profile_view(profile: profile_pb2.Profile) -> RenderableType:
    """Shows a profile: taste, preferences, colour season."""
    rows = Table.grid(padding=(0, 2, 0, 0))
    wants = profile.preferences
    rows.add_row("user", Text(profile.name.removesuffix("/profile")))
    if wants.HasField("budget"):
        rows.add_row("budget", money(wants.budget))
    if wants.sizes:
        rows.add_row("sizes", Text(", ".join(f"{bucket} {size}" for bucket, size in sorted(wants.sizes.items()))))
    if wants.preferred_brands:
        rows.add_row("brands", Text(", ".join(wants.preferred_brands)))
    return Group(rows, radar_table(profile.radar))
