"""The command `vitrine search`: its options, and what becomes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from google.type.money_pb2 import Money
from vitrine.cli import views
from vitrine.cli.boards import check_board, save_searches, tell_board
from vitrine.cli.output import as_json, console
from vitrine.cli.session import EXIT_USAGE, Session
from vitrine.retrieval.v1 import product_pb2
from vitrine.sdk import RpcFailure, SearchOptions, Vitrine, money_of

# What `--diverse` means: noticeable, and the best match stays first.
_DIVERSITY = 0.3
_OPTIONS = {
    "ranking.filter.min_price": "--min-price",
    "ranking.filter.max_price": "--max-price",
    "ranking.budget": "--budget",
    "ranking.currency_code": "--currency",
    "ranking.personal_context.budget": "--personal (the budget of your profile)",
    "image.data": "--photo",
    "page_token": "--page",
}
_WHICH = "Which products"
_HOW = "How to rank"


class Gender(StrEnum):
    """For whom a product is."""

    WOMEN = "women"
    MEN = "men"
    UNISEX = "unisex"
    KIDS = "kids"


def _which(words: str, metavar: str | None = None) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(help=words, metavar=metavar, rich_help_panel=_WHICH)
    return option


def search(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="Words, for example 'navy striped shirt'.")] = "",
    photo: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Search by a picture.")] = None,
    number: Annotated[int, typer.Option("--number", "-n", min=1, max=100, help="How many products.")] = 10,
    page: Annotated[str, typer.Option(metavar="TOKEN", help="The page after, of the same search.")] = "",
    board: Annotated[Path | None, typer.Option(help="Save the best four as a picture here (.png).")] = None,
    category: Annotated[list[str] | None, _which("Any of these, e.g. coat; may stand twice.", "NAME")] = None,
    color: Annotated[list[str] | None, _which("Any of these.", "NAME")] = None,
    brand: Annotated[list[str] | None, _which("Any of these.", "NAME")] = None,
    size: Annotated[list[str] | None, _which("Any of these, as the shop writes them.", "SIZE")] = None,
    gender: Annotated[list[Gender] | None, _which("women, men, unisex or kids.", "WHOM")] = None,
    min_price: Annotated[str, _which("The least, e.g. 20EUR.", "MONEY")] = "",
    max_price: Annotated[str, _which("The most, e.g. 49.90EUR.", "MONEY")] = "",
    in_stock: Annotated[
        bool, typer.Option("--in-stock", help="What can be had at once.", rich_help_panel=_WHICH)
    ] = False,
    budget: Annotated[
        str, typer.Option(metavar="MONEY", help="To spend, about; excludes nothing.", rich_help_panel=_HOW)
    ] = "",
    currency: Annotated[
        str, typer.Option(metavar="CODE", help="Show prices in this currency.", rich_help_panel=_HOW)
    ] = "",
    diverse: Annotated[
        bool, typer.Option("--diverse", help="Unlike things first, each once.", rich_help_panel=_HOW)
    ] = False,
    personal: Annotated[
        bool, typer.Option("--personal", help="For your taste, sizes and budget.", rich_help_panel=_HOW)
    ] = False,
) -> None:
    """Search products by words or by a picture."""
    session: Session = context.obj
    check_board(board, session)
    if bool(text.strip()) == (photo is not None):
        session.fail("Give words or --photo, and not both.", EXIT_USAGE)
    options = SearchOptions(
        brands=brand or (),
        categories=category or (),
        colors=color or (),
        sizes=size or (),
        genders=_genders(gender or ()),
        in_stock=in_stock,
        min_price=_money("--min-price", min_price, currency, session),
        max_price=_money("--max-price", max_price, currency, session),
        budget=_money("--budget", budget, currency, session),
        currency=_currency(currency, session),
        diversity=_DIVERSITY if diverse else 0.0,
        collapse_duplicates=diverse,
    )

    async def work(mesh: Vitrine) -> None:
        asked = replace(options, personal=await mesh.personal_context()) if personal else options
        try:
            if photo is not None:
                found = await mesh.search_image(photo.read_bytes(), asked, page_size=number, page_token=page)
            else:
                found = await mesh.search_text(text, asked, page_size=number, page_token=page)
        except RpcFailure as failure:
            raise failure if session.json_output else _in_options(failure) from failure
        if session.json_output:
            as_json(found)
        else:
            console.print(views.search_table(found, converted=bool(currency)))
            _tell_next(found.next_page_token)
        if board is not None:
            await save_searches(mesh, [(text or (photo.name if photo else ""), found)], board)
            tell_board(board, json_output=session.json_output)

    session.run(work)


def _in_options(failure: RpcFailure) -> RpcFailure:
    """Names the options at fault in place of the fields that they became."""
    message = failure.message
    for field in failure.fields:
        message = message.replace(field, _OPTIONS.get(field, field))
    fields = {_OPTIONS.get(field, field): words for field, words in failure.fields.items()}
    return replace(failure, message=message, fields=fields)


def _tell_next(token: str) -> None:
    """Names the next page in one line that can be copied."""
    if token:
        console.print(f"more: --page {token}", markup=False, highlight=False, soft_wrap=True)


def _genders(wanted: Sequence[Gender]) -> list[product_pb2.Gender.ValueType]:
    return [product_pb2.Gender.Value(f"GENDER_{gender.name}") for gender in wanted]


def _money(option: str, text: str, currency: str, session: Session) -> Money | None:
    try:
        return money_of(text, currency) if text else None
    except ValueError as error:
        session.fail(f"{option}: {error}", EXIT_USAGE)


def _currency(code: str, session: Session) -> str:
    if code and not (len(code) == 3 and code.isascii() and code.isalpha()):
        session.fail(f"--currency: must be three letters, such as EUR, got {code!r}", EXIT_USAGE)
    return code.upper()
