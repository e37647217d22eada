"""CatalogService."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

from google.api import httpbody_pb2
from vitrine.retrieval.v1 import catalog_service_pb2 as pb
from vitrine.retrieval.v1 import catalog_service_pb2_grpc

from mesh.errors import InvalidInputError
from mesh.paging import clamp_page_size, decode_token, encode_token
from retrieval_svc.catalog.candidate import Candidate
from retrieval_svc.catalog.importer import Importer
from retrieval_svc.catalog.product import product_id_of
from retrieval_svc.catalog.service import Catalog
from retrieval_svc.servicers.checks import check_values, product_violations, refuse
from retrieval_svc.servicers.imports import import_to_proto, read_stream, rejection_to_proto
from retrieval_svc.servicers.products import filter_from_proto, product_from_proto, product_to_proto
from retrieval_svc.servicers.rates import rate_from_proto, rate_to_proto

_IMPORTS = "imports/"


class CatalogServicer(catalog_service_pb2_grpc.CatalogServiceServicer):
    """Serves `vitrine.retrieval.v1.CatalogService`."""

    def __init__(self, catalog: Catalog, importer: Importer, after_import: Callable[[], Awaitable[None]]) -> None:
        """Makes the servicer.

        Args:
            catalog: The use cases.
            importer: Runs imports.
            after_import: Waited for at the end of an import, so that the next search finds its rows.
        """
        self._catalog = catalog
        self._importer = importer
        self._after_import = after_import

    async def ImportProducts(self, requests, context):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        """Imports a catalogue."""
        order, chunks = await read_stream(requests)
        import_id, rejections = await self._importer.run(order, chunks)
        await self._after_import()
        run = await self._catalog.import_run(import_id)
        return pb.ImportProductsResponse(
            **{"import": import_to_proto(run)}, rejections=[rejection_to_proto(item) for item in rejections]
        )

    async def GetImport(self, request: pb.GetImportRequest, context: Any) -> pb.GetImportResponse:
        """Returns an import."""
        run = await self._catalog.import_run(request.name.removeprefix(_IMPORTS))
        return pb.GetImportResponse(**{"import": import_to_proto(run)})

    async def ListImportRejections(
        self, request: pb.ListImportRejectionsRequest, context: Any
    ) -> pb.ListImportRejectionsResponse:
        """Lists refused rows."""
        size = clamp_page_size(request.page_size, default=200, maximum=1000)
        arguments = {"parent": request.parent}
        first = _number(decode_token("ListImportRejections", arguments, request.page_token))
        found = await self._catalog.rejections(request.parent.removeprefix(_IMPORTS), first, size + 1)
        more = encode_token("ListImportRejections", arguments, [first + size]) if len(found) > size else ""
        return pb.ListImportRejectionsResponse(
            rejections=[rejection_to_proto(item) for item in found[:size]], next_page_token=more
        )

    async def UpsertProducts(self, request: pb.UpsertProductsRequest, context: Any) -> pb.UpsertProductsResponse:
        """Stores products."""
        refuse(
            [
                violation
                for place, item in enumerate(request.products)
                for violation in product_violations(item.product, f"products[{place}].product.")
            ]
        )
        candidates = [
            Candidate(product_from_proto(item.product), [image.data for image in item.images])
            for item in request.products
        ]
        stored = await self._catalog.upsert(candidates)
        return pb.UpsertProductsResponse(products=[product_to_proto(product) for product in stored])

    async def GetProduct(self, request: pb.GetProductRequest, context: Any) -> pb.GetProductResponse:
        """Returns a product."""
        return pb.GetProductResponse(product=product_to_proto(await self._catalog.get(product_id_of(request.name))))

    async def GetProductImage(self, request: pb.GetProductImageRequest, context: Any) -> pb.GetProductImageResponse:
        """Returns a picture of a product."""
        _, product_id, _, image_id = request.name.split("/")
        jpeg = await self._catalog.picture(product_id, image_id)
        return pb.GetProductImageResponse(image=httpbody_pb2.HttpBody(content_type="image/jpeg", data=jpeg))

    async def ListProducts(self, request: pb.ListProductsRequest, context: Any) -> pb.ListProductsResponse:
        """Lists products."""
        check_values(request)
        size = clamp_page_size(request.page_size, default=50, maximum=200)
        arguments = {"filter": hashlib.sha256(request.filter.SerializeToString(deterministic=True)).hexdigest()}
        cursor = decode_token("ListProducts", arguments, request.page_token)
        after = str(cursor[0]) if cursor else ""
        products, total = await self._catalog.list_page(filter_from_proto(request.filter, "filter"), after, size + 1)
        page = products[:size]
        more = encode_token("ListProducts", arguments, [page[-1].product_id]) if len(products) > size else ""
        return pb.ListProductsResponse(
            products=[product_to_proto(product) for product in page], next_page_token=more, total_count=total
        )

    async def DeleteProduct(self, request: pb.DeleteProductRequest, context: Any) -> pb.DeleteProductResponse:
        """Deletes a product."""
        product_id = product_id_of(request.name)
        await self._catalog.delete(product_id, request.etag, allow_missing=request.allow_missing)
        return pb.DeleteProductResponse()

    async def ListCurrencyRates(
        self, request: pb.ListCurrencyRatesRequest, context: Any
    ) -> pb.ListCurrencyRatesResponse:
        """Lists exchange rates."""
        size = clamp_page_size(request.page_size, default=200, maximum=200)
        first = _number(decode_token("ListCurrencyRates", {}, request.page_token))
        rates = await self._catalog.rates()
        more = encode_token("ListCurrencyRates", {}, [first + size]) if len(rates) > first + size else ""
        return pb.ListCurrencyRatesResponse(
            rates=[rate_to_proto(rate) for rate in rates[first : first + size]], next_page_token=more
        )

    async def UpsertCurrencyRates(
        self, request: pb.UpsertCurrencyRatesRequest, context: Any
    ) -> pb.UpsertCurrencyRatesResponse:
        """Stores exchange rates."""
        check_values(request)
        rates = [rate_from_proto(rate, f"rates[{place}]") for place, rate in enumerate(request.rates)]
        await self._catalog.write_rates(rates)
        return pb.UpsertCurrencyRatesResponse(rates=[rate_to_proto(rate) for rate in rates])


def _number(cursor: list[str | int | float | bool | None] | None) -> int:
    """Reads the cursor of a list that is paged by number."""
    if cursor is None:
        return 0
    if len(cursor) == 1 and isinstance(cursor[0], int) and cursor[0] >= 0:
        return cursor[0]
    raise InvalidInputError.of("page_token", "is damaged", "INVALID_PAGE_TOKEN")
