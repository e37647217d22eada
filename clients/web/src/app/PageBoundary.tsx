import { Component, type ReactNode } from "react";
import { Button, EmptyState } from "../design";

interface Props {
  readonly children: ReactNode;
}

/** Keeps a page that breaks from taking the others with it: the navigation stays, and the page says so. */
export class PageBoundary extends Component<Props, { readonly broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError(): { readonly broken: boolean } {
    return { broken: true };
  }

  override render(): ReactNode {
    if (!this.state.broken) return this.props.children;
    return (
      <EmptyState title="This page has broken">
        <p>It may be a newer version that your browser does not have yet. Loading it anew helps then.</p>
        <Button
          onClick={() => {
            location.reload();
          }}
        >
          Load anew
        </Button>
      </EmptyState>
    );
  }
}
