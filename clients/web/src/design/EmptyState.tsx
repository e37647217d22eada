import type { ReactNode } from "react";

interface Props {
  readonly title: string;
  /** What to do so that something is here. */
  readonly children: ReactNode;
}

/** Stands where nothing is yet, and says what to do about it. */
export function EmptyState({ title, children }: Props) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      <div className="empty__words">{children}</div>
    </div>
  );
}
