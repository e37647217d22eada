import type { ReactNode } from "react";

export type Tone = "plain" | "good" | "warning" | "bad" | "accent";

interface Props {
  readonly tone?: Tone;
  /** A colour to show before the words, as `#rrggbb`; anything else is not shown. */
  readonly swatch?: string;
  readonly children: ReactNode;
}

/** A few words about something. Its tone never says more than its words do. */
export function Chip({ tone = "plain", swatch = "", children }: Props) {
  return (
    <span className={`chip chip--${tone}`}>
      {/^#[0-9a-f]{6}$/i.test(swatch) && (
        <svg className="chip__swatch" aria-hidden="true" viewBox="0 0 8 8">
          <rect width="8" height="8" rx="4" fill={swatch} />
        </svg>
      )}
      {children}
    </span>
  );
}
