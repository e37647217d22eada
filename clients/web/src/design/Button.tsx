import type { ComponentProps } from "react";

interface Props extends ComponentProps<"button"> {
  /** `primary` for the one thing that the page is for, `quiet` for all others. */
  readonly kind?: "primary" | "quiet";
}

/** A button; does nothing by itself in a form unless its `type` says so. */
export function Button({ kind = "quiet", type = "button", className = "", ...rest }: Props) {
  return <button {...rest} type={type} className={`button button--${kind} ${className}`} />;
}
