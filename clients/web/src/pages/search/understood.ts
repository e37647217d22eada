import type { TextWishes } from "@vitrine/contract/vitrine/retrieval/v1/search_service_pb.js";

/** A part of the words, and what it did. */
export interface Reading {
  readonly text: string;
  readonly effect: string;
}

const NAMES: Readonly<Record<string, string>> = {
  colors: "colour",
  patterns: "pattern",
  sizes: "size",
  genders: "for whom",
  buckets: "kind",
  categories: "kind",
  brands: "brand",
  materials: "material",
  max_price: "price",
  min_price: "price",
  budget: "budget",
  availabilities: "stock",
};

/** Names a field of the filter as people do: `colors` is a colour. */
export function fieldName(field: string): string {
  return NAMES[field] ?? field.replaceAll("_", " ");
}

/**
 * Says what was read out of a text, part by part, in the text's order.
 *
 * @param wishes What the search says that it has understood; undefined where it says nothing.
 */
export function readings(wishes: TextWishes | undefined): Reading[] {
  return (wishes?.phrases ?? []).map(({ text, field }) => {
    const excluded = field.startsWith("exclusions.");
    if (field === "") return { text, effect: "cannot be filtered by" };
    const name = fieldName(field.replace("exclusions.", ""));
    return { text, effect: excluded ? `not this ${name}` : name };
  });
}
