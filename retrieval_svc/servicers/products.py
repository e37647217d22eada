"""Products between the contract and the core."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from google.protobuf.timestamp_pb2 import Timestamp
from google.type import date_pb2, money_pb2
from vitrine.retrieval.v1 import product_pb2
from vitrine.type.v1 import color_pb2, garment_pb2

from mesh.errors import InvalidInputError
from retrieval_svc.catalog.filters import Exclusions, ProductFilter
from retrieval_svc.catalog.money import Money
from retrieval_svc.catalog.patterns import patterns_of
from retrieval_svc.catalog.product import ColorTag, Picture, Product, normalized, product_id_of
from retrieval_svc.catalog.vocabulary import Availability, Bucket, Gender, bucket_of, key


def product_from_proto(message: product_pb2.Product) -> Product:
    """Reads a product that keeps the rules of the contract; what only the server may say is passed over."""
    return normalized(
        Product(
            product_id=product_id_of(message.name),
            title=message.title,
            description=message.description,
            brand=message.brand,
            category=message.category,
            bucket=Bucket(message.bucket) or bucket_of(message.category),
            gender=Gender(message.gender),
            colors=tuple(_color_from_proto(color) for color in message.colors),
            sizes=tuple(message.sizes),
            price=money_from_proto(message.price),
            pictures=tuple(Picture(url=image.url, alt_text=image.alt_text) for image in message.images),
            availability=Availability(message.availability),
            url=message.url,
            tags=tuple(message.tags),
            pattern=message.pattern,
            materials=tuple(message.materials),
        )
    )


def product_to_proto(product: Product, etag: str = "") -> product_pb2.Product:
    """Writes a product.

    Args:
        product: The product.
        etag: Its etag where that is known; else it is computed, which takes as long as all the rest.
    """
    message = product_pb2.Product(
        name=product.name,
        title=product.title,
        description=product.description,
        brand=product.brand,
        category=product.category,
        bucket=garment_pb2.GarmentBucket.ValueType(product.bucket),
        gender=product_pb2.Gender.ValueType(product.gender),
        colors=[_color_to_proto(color) for color in product.colors],
        sizes=product.sizes,
        price=money_to_proto(product.price),
        images=[_image_to_proto(product.name, picture) for picture in product.pictures],
        availability=product_pb2.Availability.ValueType(product.availability),
        url=product.url,
        tags=product.tags,
        pattern=product.pattern,
        materials=product.materials,
        vector_state=product_pb2.VectorState.ValueType(product.vector_state),
        vector_model=product.vector_model,
        vector_error=product.vector_error,
        seen_pattern=product.seen_pattern,
        etag=etag or product.etag,
    )
    if product.create_time and product.update_time:
        message.create_time.CopyFrom(time_to_proto(product.create_time))
        message.update_time.CopyFrom(time_to_proto(product.update_time))
    return message


def filter_from_proto(message: product_pb2.ProductFilter, path: str) -> ProductFilter:
    """Reads a filter.

    Args:
        message: The filter.
        path: Where it stands in the request, for errors.

    Raises:
        InvalidInputError: When the least price is above the most, in one currency.
    """
    low = money_from_proto(message.min_price) if message.HasField("min_price") else None
    high = money_from_proto(message.max_price) if message.HasField("max_price") else None
    if low and high and low.currency == high.currency and low.amount > high.amount:
        raise InvalidInputError.of(f"{path}.min_price", f"must not be above max_price ({high}), got {low}")
    return ProductFilter(
        brands=_keys(message.brands),
        categories=_keys(message.categories),
        buckets=tuple(Bucket(bucket) for bucket in message.buckets),
        genders=tuple(Gender(gender) for gender in message.genders),
        colors=_keys(message.colors),
        sizes=_keys(message.sizes),
        availabilities=tuple(Availability(availability) for availability in message.availabilities),
        min_price=low,
        max_price=high,
        tags=_keys(message.tags),
        patterns=patterns_of(message.patterns),
        materials=_keys(message.materials),
        exclusions=_exclusions_from_proto(message.exclusions),
        excluded=tuple(product_id_of(name) for name in message.excluded_products),
    )


def filter_to_proto(wanted: ProductFilter) -> product_pb2.ProductFilter:
    """Writes a filter."""
    return product_pb2.ProductFilter(
        brands=wanted.brands,
        categories=wanted.categories,
        buckets=[garment_pb2.GarmentBucket.ValueType(bucket) for bucket in wanted.buckets],
        genders=[product_pb2.Gender.ValueType(gender) for gender in wanted.genders],
        colors=wanted.colors,
        sizes=wanted.sizes,
        availabilities=[product_pb2.Availability.ValueType(availability) for availability in wanted.availabilities],
        min_price=money_to_proto(wanted.min_price) if wanted.min_price else None,
        max_price=money_to_proto(wanted.max_price) if wanted.max_price else None,
        tags=wanted.tags,
        patterns=wanted.patterns,
        materials=wanted.materials,
        exclusions=_exclusions_to_proto(wanted.exclusions) if wanted.exclusions != Exclusions() else None,
        excluded_products=[f"products/{product_id}" for product_id in wanted.excluded],
    )


def _exclusions_from_proto(message: product_pb2.ProductExclusions) -> Exclusions:
    return Exclusions(
        brands=_keys(message.brands),
        categories=_keys(message.categories),
        buckets=tuple(Bucket(bucket) for bucket in message.buckets),
        genders=tuple(Gender(gender) for gender in message.genders),
        colors=_keys(message.colors),
        patterns=patterns_of(message.patterns),
        materials=_keys(message.materials),
        tags=_keys(message.tags),
    )


def _exclusions_to_proto(unwanted: Exclusions) -> product_pb2.ProductExclusions:
    return product_pb2.ProductExclusions(
        brands=unwanted.brands,
        categories=unwanted.categories,
        buckets=[garment_pb2.GarmentBucket.ValueType(bucket) for bucket in unwanted.buckets],
        genders=[product_pb2.Gender.ValueType(gender) for gender in unwanted.genders],
        colors=unwanted.colors,
        patterns=unwanted.patterns,
        materials=unwanted.materials,
        tags=unwanted.tags,
    )


def money_from_proto(message: money_pb2.Money) -> Money:
    """Reads an amount of money."""
    return Money.of_parts(message.currency_code, message.units, message.nanos)


def money_to_proto(money: Money) -> money_pb2.Money:
    """Writes an amount of money."""
    units, nanos = money.parts()
    return money_pb2.Money(currency_code=money.currency, units=units, nanos=nanos)


def time_to_proto(time: dt.datetime) -> Timestamp:
    """Writes a time."""
    message = Timestamp()
    message.FromDatetime(time)
    return message


def date_to_proto(day: dt.date) -> date_pb2.Date:
    """Writes a day."""
    return date_pb2.Date(year=day.year, month=day.month, day=day.day)


def date_from_proto(message: date_pb2.Date, path: str) -> dt.date:
    """Reads a full day.

    Raises:
        InvalidInputError: When there is no such day.
    """
    try:
        return dt.date(message.year, message.month, message.day)
    except ValueError as error:
        got = f"{message.year}-{message.month}-{message.day}"
        raise InvalidInputError.of(path, f"must be a day of the calendar, got {got}") from error


def _keys(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(key(word) for word in words)


def _color_from_proto(color: color_pb2.Color) -> ColorTag:
    lab = (color.lab.l, color.lab.a, color.lab.b) if color.HasField("lab") else None
    return ColorTag(color.name, color.hex, lab, float(Decimal(str(color.share)).quantize(Decimal("0.0001"))))


def _color_to_proto(color: ColorTag) -> color_pb2.Color:
    lab = color_pb2.LabColor(l=color.lab[0], a=color.lab[1], b=color.lab[2]) if color.lab else None
    return color_pb2.Color(name=color.name, hex=color.hex, lab=lab, share=color.share)


def _image_to_proto(product_name: str, picture: Picture) -> product_pb2.ProductImage:
    return product_pb2.ProductImage(
        name=f"{product_name}/images/{picture.image_id}" if picture.image_id else "",
        url=picture.url,
        alt_text=picture.alt_text,
        width_px=picture.width_px,
        height_px=picture.height_px,
    )
