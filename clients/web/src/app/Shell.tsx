import type { ReactNode } from "react";
import { Link } from "wouter";
import type { Identity } from "../auth/token";
import { session } from "../auth/useSession";
import { Button } from "../design";
import { PAGES } from "./pages";

/** What stands around every page: the name, the navigation, and who is signed in. */
export function Shell({ identity, children }: { readonly identity: Identity; readonly children: ReactNode }) {
  return (
    <div className="shell">
      <a className="shell__skip" href="#page">
        Skip to the page
      </a>
      <header className="shell__head">
        <Link href={PAGES[0].path} className="wordmark">
          Vitrine
        </Link>
        <Navigation />
        <div className="shell__who">
          <span className="shell__user">{identity.user}</span>
          <Button
            onClick={() => {
              session.leave("left");
            }}
          >
            Sign out
          </Button>
        </div>
      </header>
      <main id="page" className="shell__page" tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}

function Navigation() {
  const shown = PAGES.filter(({ icon }) => icon !== undefined);
  return (
    <nav className="navigation" aria-label="Pages">
      {shown.map(({ path, title, icon }) => (
        <Link
          key={path}
          href={path}
          className={(active) => `navigation__link ${active ? "navigation__link--here" : ""}`}
        >
          {icon}
          {title}
        </Link>
      ))}
    </nav>
  );
}
