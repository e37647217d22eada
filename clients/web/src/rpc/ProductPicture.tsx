import { useQuery } from "@connectrpc/connect-query";
import { CatalogService } from "@vitrine/contract/vitrine/retrieval/v1/catalog_service_pb.js";
import type { ProductImage } from "@vitrine/contract/vitrine/retrieval/v1/product_pb.js";
import { useCallback } from "react";
import { Skeleton } from "../design";

interface Props {
  /** The picture; undefined for a product without any. */
  readonly image: ProductImage | undefined;
  /** What it shows where the shop did not say. */
  readonly alt: string;
}

/** A product's picture, read through the catalogue with the caller's token: shops' own links are never followed. */
export function ProductPicture({ image, alt }: Props) {
  const name = image?.name ?? "";
  const described = image?.altText ?? "";
  const { data, isError } = useQuery(
    CatalogService.method.getProductImage,
    { name },
    { enabled: name !== "", staleTime: Infinity },
  );
  const body = data?.image;
  const show = useCallback(
    (element: HTMLImageElement) => {
      if (body === undefined) return undefined;
      const url = URL.createObjectURL(new Blob([body.data.slice()], { type: body.contentType }));
      element.src = url;
      return () => {
        URL.revokeObjectURL(url);
      };
    },
    [body],
  );
  if (name === "" || isError) return <span className="picture picture--none">No picture</span>;
  if (body === undefined) return <Skeleton className="picture" />;
  return <img className="picture" alt={described === "" ? alt : described} ref={show} />;
}
