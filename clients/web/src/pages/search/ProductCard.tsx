import type { ProductMatch } from "@vitrine/contract/vitrine/retrieval/v1/match_pb.js";
import { Availability } from "@vitrine/contract/vitrine/retrieval/v1/product_pb.js";
import { Chip } from "../../design";
import { ProductPicture } from "../../rpc/ProductPicture";
import { money } from "../../words/money";
import { ScoreTerms } from "./ScoreTerms";

interface Props {
  readonly match: ProductMatch;
  /** Which way to spend it stands for; empty for none. */
  readonly tier: string;
}

const STOCK: Readonly<Partial<Record<Availability, string>>> = {
  [Availability.LOW_STOCK]: "Few left",
  [Availability.PREORDER]: "Preorder",
  [Availability.BACKORDER]: "Comes later",
  [Availability.OUT_OF_STOCK]: "Sold out",
  [Availability.DISCONTINUED]: "No longer made",
};

/** One product of a ranked list, with its price, its place and why it stands there. */
export function ProductCard({ match, tier }: Props) {
  const { product, convertedPrice, counterfactual } = match;
  if (product === undefined) return null;
  const stock = STOCK[product.availability] ?? "";
  const price = product.price === undefined ? "" : money(product.price);
  const converted = convertedPrice === undefined ? "" : money(convertedPrice);
  return (
    <article className="product" aria-label={product.title}>
      <div className="product__picture">
        <ProductPicture image={product.images[0]} alt={product.title} />
        <div className="product__chips">
          {tier && <Chip tone="accent">{tier}</Chip>}
          {stock && <Chip tone="warning">{stock}</Chip>}
        </div>
      </div>
      <p className="product__brand">{product.brand}</p>
      <h2 className="product__title">{product.title}</h2>
      <p className="product__price">
        {price}
        {converted && converted !== price && <span className="product__converted"> ≈ {converted}</span>}
      </p>
      <details className="why">
        <summary>
          Why place {match.rank}
          <span className="hidden"> for {product.title}</span>
        </summary>
        <ScoreTerms match={match} />
        {counterfactual && <p className="why__else">{counterfactual.description}.</p>}
      </details>
    </article>
  );
}
