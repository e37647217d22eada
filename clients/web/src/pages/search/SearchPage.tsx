import "./search.css";
import { useInfiniteQuery } from "@connectrpc/connect-query";
import { SearchService } from "@vitrine/contract/vitrine/retrieval/v1/search_service_pb.js";
import { keepPreviousData } from "@tanstack/react-query";
import { useSearchParams } from "wouter";
import { useTitle } from "../../app/useTitle";
import { Button, EmptyState, ErrorNotice, Loading, Skeleton } from "../../design";
import { asFailure } from "../../rpc/queries";
import { SearchForm } from "./SearchForm";
import { SearchResults } from "./SearchResults";

const PAGE_SIZE = 12;
const MOST_PAGES = 20;
const IDEAS = ["warm winter coat", "navy striped shirt under 50 EUR", "black dress, not patterned", "white sneakers"];

/** Finds products by words; the words stand in the address, so that a search can be sent to somebody. */
export default function SearchPage() {
  useTitle("Search");
  const [params, setParams] = useSearchParams();
  const text = params.get("q")?.trim() ?? "";
  const search = (words: string) => {
    setParams(words === "" ? {} : { q: words });
  };
  return (
    <>
      <header className="page__head">
        <h1>Search</h1>
        <p className="page__lead">
          Say it as you would to a friend: kind, colour, pattern, price, and what it must not be.
        </p>
      </header>
      <SearchForm key={text} text={text} onSearch={search} />
      {text === "" ? <Ideas onSearch={search} /> : <Found text={text} />}
    </>
  );
}

function Ideas({ onSearch }: { readonly onSearch: (words: string) => void }) {
  return (
    <section className="ideas" aria-label="Ideas">
      {IDEAS.map((words) => (
        <Button
          key={words}
          onClick={() => {
            onSearch(words);
          }}
        >
          {words}
        </Button>
      ))}
    </section>
  );
}

function Found({ text }: { readonly text: string }) {
  const query = useInfiniteQuery(
    SearchService.method.searchProducts,
    { query: { case: "text", value: text.slice(0, 500) }, pageSize: PAGE_SIZE, pageToken: "" },
    {
      pageParamKey: "pageToken",
      getNextPageParam: (last) => last.nextPageToken || undefined,
      maxPages: MOST_PAGES,
      placeholderData: keepPreviousData,
    },
  );
  if (query.isPending) return <ResultsSkeleton />;
  const retry = () => void query.refetch();
  if (query.isError && query.data === undefined) {
    return <ErrorNotice failure={asFailure(query.error)} onRetry={retry} />;
  }
  const [first] = query.data.pages;
  if (first === undefined || first.matches.length === 0) return <NothingFound text={text} />;
  return (
    <>
      <SearchResults pages={query.data.pages} />
      {query.isError && <ErrorNotice failure={asFailure(query.error)} onRetry={retry} />}
      {query.hasNextPage && (
        <Button className="more" disabled={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          {query.isFetchingNextPage ? "Looking…" : "Show more"}
        </Button>
      )}
    </>
  );
}

function NothingFound({ text }: { readonly text: string }) {
  return (
    <EmptyState title="Nothing fits all of that">
      <p>
        No product has everything that was read out of “{text}”. Leave out a colour, a size or the price. An empty
        catalogue can be filled with <code>vitrine catalog demo</code>.
      </p>
    </EmptyState>
  );
}

function ResultsSkeleton() {
  return (
    <Loading what="products">
      <div className="products">
        {Array.from({ length: 8 }, (_, index) => (
          <div key={index} className="product">
            <Skeleton className="picture" />
            <Skeleton className="skeleton--line" />
          </div>
        ))}
      </div>
    </Loading>
  );
}
