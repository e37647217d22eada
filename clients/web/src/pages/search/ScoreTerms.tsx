import type { ProductMatch } from "@vitrine/contract/vitrine/retrieval/v1/match_pb.js";

/** What each term is called where people read it. */
const NAMES: Readonly<Record<string, string>> = {
  cosine: "Looks like it",
  keyword: "Words",
  price: "Price",
  brand: "Brand",
  availability: "In stock",
  taste: "Your taste",
  size: "Your size",
  color_season: "Your colours",
  main_color: "Main colour",
};

/** The score of a match, taken apart. The contributions add up to it. */
export function ScoreTerms({ match }: { readonly match: ProductMatch }) {
  return (
    <dl className="terms">
      {match.terms.map(({ name, contribution }) => (
        <div key={name} className="terms__term">
          <dt>{NAMES[name] ?? name}</dt>
          <dd>
            <svg className="terms__bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
              <rect className="terms__whole" width="100" height="6" rx="3" />
              <rect className="terms__part" width={100 * Math.min(1, Math.max(0, contribution))} height="6" rx="3" />
            </svg>
            {contribution.toFixed(3)}
          </dd>
        </div>
      ))}
      <div className="terms__term terms__term--sum">
        <dt>Score</dt>
        <dd>{match.score.toFixed(3)}</dd>
      </div>
    </dl>
  );
}
