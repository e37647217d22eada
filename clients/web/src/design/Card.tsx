import type { ComponentProps } from "react";

/** A sheet that holds what belongs together. */
export function Card({ className = "", ...rest }: ComponentProps<"div">) {
  return <div {...rest} className={`card ${className}`} />;
}
