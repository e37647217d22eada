import type { ReactNode } from "react";

/** The shape of something that is on its way. Put those of one list into a `Loading`. */
export function Skeleton({ className }: { readonly className: string }) {
  return <span className={`skeleton ${className}`} aria-hidden="true" />;
}

/** Says to those who cannot see skeletons that something is on its way. */
export function Loading({ what, children }: { readonly what: string; readonly children: ReactNode }) {
  return (
    <div role="status">
      <span className="hidden">Loading {what}</span>
      {children}
    </div>
  );
}
