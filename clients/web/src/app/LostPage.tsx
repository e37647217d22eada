import { Link } from "wouter";
import { EmptyState } from "../design";
import { PAGES } from "./pages";
import { useTitle } from "./useTitle";

/** Where a path leads that no page has. */
export function LostPage() {
  useTitle("Not found");
  return (
    <EmptyState title="Nothing is here">
      <p>
        The address may be misspelt. <Link href={PAGES[0].path}>Go to {PAGES[0].title}</Link>
      </p>
    </EmptyState>
  );
}
