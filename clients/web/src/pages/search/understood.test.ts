import { create } from "@bufbuild/protobuf";
import { TextWishesSchema } from "@vitrine/contract/vitrine/retrieval/v1/search_service_pb.js";
import { expect, it } from "vitest";
import { readings } from "./understood";

it("says what each part of the words did", () => {
  const wishes = create(TextWishesSchema, {
    phrases: [
      { text: "navy", field: "colors" },
      { text: "not black", field: "exclusions.colors" },
      { text: "under 50 EUR", field: "max_price" },
      { text: "without a hood", field: "" },
      { text: "soon", field: "some_new_field" },
    ],
  });
  expect(readings(wishes).map(({ effect }) => effect)).toEqual([
    "colour",
    "not this colour",
    "price",
    "cannot be filtered by",
    "some new field",
  ]);
  expect(readings(undefined)).toEqual([]);
});
