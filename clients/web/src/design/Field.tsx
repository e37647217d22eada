import { type ComponentProps, type ReactNode, useId } from "react";

interface Props extends Omit<ComponentProps<"input">, "id"> {
  readonly label: string;
  /** Hides the label from those who see what the field is for; it is read out all the same. */
  readonly labelHidden?: boolean;
  readonly hint?: ReactNode;
  /** What is wrong with the value; empty when nothing is. */
  readonly error?: string;
}

/** A line to type into, with its label, a hint, and what is wrong with it. */
export function Field({ label, labelHidden = false, hint, error = "", ...rest }: Props) {
  const id = useId();
  const described = [hint !== undefined && `${id}-hint`, error !== "" && `${id}-error`].filter(Boolean).join(" ");
  return (
    <div className="field">
      <label htmlFor={id} className={labelHidden ? "hidden" : "field__label"}>
        {label}
      </label>
      <input
        {...rest}
        id={id}
        className="field__input"
        aria-invalid={error !== ""}
        aria-describedby={described || undefined}
      />
      {hint !== undefined && (
        <p id={`${id}-hint`} className="field__hint">
          {hint}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} className="field__error" role="alert">
          {error}
        </p>
      )}
    </div>
  );
}
