import type { PriceTiers, ProductMatch } from "@vitrine/contract/vitrine/retrieval/v1/match_pb.js";
import type { SearchProductsResponse } from "@vitrine/contract/vitrine/retrieval/v1/search_service_pb.js";
import { Chip } from "../../design";
import { ProductCard } from "./ProductCard";
import { fieldName, readings } from "./understood";

/** What a search has found, page after page, and how it read the words. */
export function SearchResults({ pages }: { readonly pages: readonly SearchProductsResponse[] }) {
  const first = pages[0];
  const matches = pages.flatMap((page) => page.matches);
  const eligible = Number(first?.certificate?.eligibleCount ?? 0);
  const degraded = (first?.models ?? []).filter((each) => each.degraded);
  return (
    <section aria-label="Products">
      <div className="found" role="status">
        <p>
          {eligible === 1 ? "1 product fits" : `${eligible.toLocaleString()} products fit, best first`}
          {matches.length < eligible && `; ${matches.length} shown`}
        </p>
        <ul className="found__readings">
          {readings(first?.understood).map(({ text, effect }, index) => (
            <li key={`${index}-${text}`}>
              <Chip tone="accent">
                {effect}: {text}
              </Chip>
            </li>
          ))}
          {(first?.understood?.droppedFields ?? []).map((field) => (
            <li key={field}>
              <Chip tone="warning">{fieldName(field)} given up: nothing has all of it</Chip>
            </li>
          ))}
          {degraded.map(({ model, degradedReason }) => (
            <li key={model}>
              <Chip tone="warning">
                Answered less surely by {model}: {degradedReason}
              </Chip>
            </li>
          ))}
        </ul>
      </div>
      <ul className="products">
        {matches.map((match) => (
          <li key={match.product?.name}>
            <ProductCard match={match} tier={tierOf(match, first?.tiers)} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function tierOf(match: ProductMatch, tiers: PriceTiers | undefined): string {
  const name = match.product?.name;
  if (tiers?.closest?.product?.name === name) return "Closest";
  if (tiers?.lower?.product?.name === name) return "For less";
  if (tiers?.premium?.product?.name === name) return "Premium";
  return "";
}
