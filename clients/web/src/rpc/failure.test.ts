import { readFileSync } from "node:fs";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RequestInfoSchema,
  RetryInfoSchema,
} from "@vitrine/contract/google/rpc/error_details_pb.js";
import { describe, expect, it } from "vitest";
import { failureOf, failureOfStatus } from "./failure";
import { retryDelayMs, worthRetrying } from "./queries";
import { titleFor } from "./reasons";

const info = (reason: string, metadata: Record<string, string> = {}) => ({
  desc: ErrorInfoSchema,
  value: create(ErrorInfoSchema, { reason, domain: "vitrine.dev", metadata }),
});

describe("failureOf", () => {
  it("reads every detail", () => {
    const violation = { field: "page_size", description: "must be 0 or more" };
    const failure = failureOf(
      new ConnectError("a field breaks its rule", Code.InvalidArgument, undefined, [
        info("INVALID_FIELD"),
        { desc: BadRequestSchema, value: create(BadRequestSchema, { fieldViolations: [violation] }) },
        { desc: RetryInfoSchema, value: create(RetryInfoSchema, { retryDelay: { seconds: 2n, nanos: 500_000_000 } }) },
        { desc: RequestInfoSchema, value: create(RequestInfoSchema, { requestId: "r-1" }) },
      ]),
    );
    expect(failure).toEqual({
      code: Code.InvalidArgument,
      reason: "INVALID_FIELD",
      title: "That does not fit",
      advice: "Change what is marked below and try again.",
      message: "a field breaks its rule",
      fields: [violation],
      retryAfterMs: 2500,
      requestId: "r-1",
    });
  });

  it("puts the server's facts into its advice", () => {
    const away = new ConnectError("away", Code.Unavailable, undefined, [
      info("DEPENDENCY_UNAVAILABLE", { dependency: "vision" }),
    ]);
    expect(failureOf(away).advice).toBe("vision does not answer; Mesh shows more.");
  });

  it("takes a server that nobody reaches for one that is away", () => {
    const unreached = ConnectError.from(new TypeError("Failed to fetch"));
    expect(failureOf(unreached)).toMatchObject({ code: Code.Unavailable, title: "The mesh does not answer" });
  });

  it("has words for what it does not know", () => {
    expect(failureOf("odd")).toMatchObject({ reason: "", title: "Something went wrong", retryAfterMs: null });
  });
});

describe("failureOfStatus", () => {
  const type = (name: string) => `type.googleapis.com/google.rpc.${name}`;

  it("reads an error of the edge", () => {
    const failure = failureOfStatus({
      code: 14,
      message: "ingest does not answer",
      details: [
        { "@type": type("ErrorInfo"), reason: "DEPENDENCY_UNAVAILABLE", metadata: { dependency: "ingest" } },
        { "@type": type("RetryInfo"), retryDelay: "1s" },
        { "@type": type("RequestInfo"), requestId: "r-2" },
      ],
    });
    expect(failure).toMatchObject({ code: Code.Unavailable, retryAfterMs: 1000, requestId: "r-2" });
    expect(failure.advice).toContain("ingest");
  });

  it.each([["null", null], ["a list", []], ["a number", 3], ["no code", { message: 1, details: "x" }]])(
    "survives %s",
    (_, body) => {
      expect(failureOfStatus(body)).toMatchObject({ code: Code.Unknown, reason: "", fields: [] });
    },
  );
});

describe("retries", () => {
  const failure = (code: Code) => failureOf(new ConnectError("x", code));

  it.each([
    [Code.Unavailable, 0, true],
    [Code.ResourceExhausted, 1, true],
    [Code.Unavailable, 2, false],
    [Code.InvalidArgument, 0, false],
    [Code.Unauthenticated, 0, false],
  ])("code %s after %s tries: %s", (code, tried, wanted) => {
    expect(worthRetrying(tried, failure(code))).toBe(wanted);
  });

  it("waits as the server asks, within bounds, else twice as long each time", () => {
    const plain = failure(Code.Unavailable);
    expect([0, 1, 2].map((tried) => retryDelayMs(tried, plain))).toEqual([500, 1000, 2000]);
    expect(retryDelayMs(0, { ...plain, retryAfterMs: 3000 })).toBe(3000);
    expect(retryDelayMs(0, { ...plain, retryAfterMs: 600_000 })).toBe(10_000);
  });
});

describe("reasons", () => {
  const listed = readFileSync(new URL("../../../../protos/vitrine/type/v1/error_reason.proto", import.meta.url), "utf8");
  const known = [...listed.matchAll(/ERROR_REASON_(\w+) =/g)].map((found) => found[1] ?? "");

  it("are words for reasons that the contract has", () => {
    expect(known).toContain("INDEX_NOT_READY");
    const table = readFileSync(new URL("./reasons.ts", import.meta.url), "utf8");
    const worded = [...table.matchAll(/^ {2}([A-Z_]+): \{/gm)].map((found) => found[1] ?? "");
    expect(worded.length).toBeGreaterThan(20);
    expect(worded.filter((each) => !known.includes(each))).toEqual([]);
    expect(titleFor("INDEX_NOT_READY", Code.Unavailable)).toBe("The catalogue is being read");
  });
});
