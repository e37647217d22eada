import { Suspense, useEffect } from "react";
import { Redirect, Route, Switch, useLocation } from "wouter";
import { useSession } from "../auth/useSession";
import { Loading, Skeleton } from "../design";
import { SignInPage } from "../pages/signin/SignInPage";
import { queryClient } from "../rpc/queries";
import { LostPage } from "./LostPage";
import { PAGES } from "./pages";
import { PageBoundary } from "./PageBoundary";
import { Shell } from "./Shell";

/** Everything: the sign-in for strangers, the pages for others. */
export function App() {
  const state = useSession();
  const user = state.signedIn ? state.identity.user : "";
  useEffect(() => {
    // What one person has read is not for the next.
    return () => {
      queryClient.clear();
    };
  }, [user]);
  if (!state.signedIn) return <SignInPage why={state.why} />;
  return (
    <Shell identity={state.identity}>
      <Pages />
    </Shell>
  );
}

function Pages() {
  const [path] = useLocation();
  return (
    <PageBoundary key={path}>
      <Suspense fallback={<PageSkeleton />}>
        <Switch>
          <Route path="/">
            <Redirect to={PAGES[0].path} replace />
          </Route>
          {PAGES.map(({ path: each, view: View }) => (
            <Route key={each} path={each}>
              <View />
            </Route>
          ))}
          <Route>
            <LostPage />
          </Route>
        </Switch>
      </Suspense>
    </PageBoundary>
  );
}

function PageSkeleton() {
  return (
    <Loading what="page">
      <Skeleton className="skeleton--title" />
      <Skeleton className="skeleton--block" />
    </Loading>
  );
}
