import { create } from "@bufbuild/protobuf";
import { MoneySchema } from "@vitrine/contract/google/type/money_pb.js";
import { describe, expect, it } from "vitest";
import { money } from "./money";
import { ago, duration } from "./time";

describe("money", () => {
  it.each([
    ["EUR", 49n, 900_000_000, "49.90"],
    ["JPY", 7590n, 0, "7,590"],
    ["EUR", 0n, 0, "0.00"],
  ])("%s %s.%s", (currencyCode, units, nanos, digits) => {
    expect(money(create(MoneySchema, { currencyCode, units, nanos }))).toContain(digits);
  });

  it("writes an amount whose currency is not stated", () => {
    expect(money(create(MoneySchema, { units: 5n }))).toBe("5.00");
  });
});

describe("ago", () => {
  it.each([
    [0, "just now"],
    [59_999, "just now"],
    [60_000, "1 minute ago"],
    [3_599_999, "59 minutes ago"],
    [7_200_000, "2 hours ago"],
    [3 * 86_400_000, "3 days ago"],
    [-5000, "just now"],
  ])("%s ms: %s", (passed, words) => {
    expect(ago(1_000_000_000, 1_000_000_000 + passed)).toBe(words);
  });
});

describe("duration", () => {
  it.each([
    [0.04, "0.0 ms"],
    [9.94, "9.9 ms"],
    [12.4, "12 ms"],
    [1440, "1.4 s"],
  ])("%s ms: %s", (ms, words) => {
    expect(duration(ms)).toBe(words);
  });
});
