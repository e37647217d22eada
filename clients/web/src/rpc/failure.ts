import { fromJson } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import type { JsonObject, Message } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RequestInfoSchema,
  RetryInfoSchema,
} from "@vitrine/contract/google/rpc/error_details_pb.js";
import { adviceFor, titleFor } from "./reasons";

/** A failed call, with everything that the server said about it, in words for people. */
export interface Failure {
  readonly code: Code;
  /** Name of an `ErrorReason` without its prefix; empty when the server gave none. */
  readonly reason: string;
  readonly title: string;
  /** What to do about it; empty when nothing helps. */
  readonly advice: string;
  /** What the server said, for a developer. */
  readonly message: string;
  readonly fields: readonly { readonly field: string; readonly description: string }[];
  /** When a retry makes sense, in milliseconds; null when the server did not say. */
  readonly retryAfterMs: number | null;
  /** The id that the server's logs have too; may be empty. */
  readonly requestId: string;
}

const CODES = Object.values(Code).filter((each): each is Code => typeof each === "number");

type Finder = <T extends Message>(schema: GenMessage<T>) => T | undefined;

/**
 * Decodes whatever a call threw. The one place where errors of the mesh are read.
 *
 * @param error What was caught.
 */
export function failureOf(error: unknown): Failure {
  const known = ConnectError.from(error);
  // `fetch` that finds nobody throws a TypeError, which Connect does not know for what it is.
  const code = known.cause instanceof TypeError ? Code.Unavailable : known.code;
  return build(code, known.rawMessage, (schema) => known.findDetails(schema)[0], known.metadata.get("x-request-id"));
}

/**
 * Decodes an error that came as JSON, from a path that is no RPC (`/health`).
 *
 * @param body The body: a `google.rpc.Status` in proto JSON, or anything else.
 */
export function failureOfStatus(body: unknown): Failure {
  const status = isRecord(body) ? body : {};
  const details = Array.isArray(status["details"]) ? status["details"].filter(isRecord) : [];
  const find: Finder = (schema) => {
    const found = details.find((each) => String(each["@type"]).endsWith(`/${schema.typeName}`));
    if (found === undefined) return undefined;
    return fromJson(schema, found as JsonObject, { ignoreUnknownFields: true });
  };
  const code = CODES.find((each) => each === status["code"]) ?? Code.Unknown;
  return build(code, typeof status["message"] === "string" ? status["message"] : "", find, null);
}

/** A failure that was decoded already, so that it can be thrown. */
export class FailureError extends Error {
  override readonly name = "FailureError";
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

function build(code: Code, message: string, find: Finder, requestId: string | null): Failure {
  const info = find(ErrorInfoSchema);
  const delay = find(RetryInfoSchema)?.retryDelay;
  const reason = info?.reason ?? "";
  return {
    code,
    reason,
    title: titleFor(reason, code),
    advice: adviceFor(reason, code, info?.metadata ?? {}),
    message,
    fields: (find(BadRequestSchema)?.fieldViolations ?? []).map(({ field, description }) => ({ field, description })),
    retryAfterMs: delay === undefined ? null : Number(delay.seconds) * 1000 + delay.nanos / 1e6,
    requestId: find(RequestInfoSchema)?.requestId ?? requestId ?? "",
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
