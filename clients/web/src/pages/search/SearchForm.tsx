import type { SubmitEvent } from "react";
import { Button, Field } from "../../design";

interface Props {
  /** The words that are being searched for. */
  readonly text: string;
  readonly onSearch: (words: string) => void;
}

/** The line for the words. */
export function SearchForm({ text, onSearch }: Props) {
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const words = new FormData(event.currentTarget).get("q");
    onSearch(typeof words === "string" ? words.trim() : "");
  };
  return (
    <form role="search" className="search" onSubmit={submit}>
      <Field
        label="What are you looking for?"
        labelHidden
        name="q"
        type="search"
        enterKeyHint="search"
        placeholder="What are you looking for?"
        maxLength={500}
        defaultValue={text}
        autoComplete="off"
      />
      <Button type="submit" kind="primary">
        Search
      </Button>
    </form>
  );
}
