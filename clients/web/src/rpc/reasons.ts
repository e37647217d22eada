import { Code } from "@connectrpc/connect";

interface Words {
  readonly title: string;
  readonly advice: string;
}

/** What people are told, by the reason of `error_reason.proto` (without its prefix). */
const REASONS: Readonly<Record<string, Words>> = {
  INVALID_FIELD: { title: "That does not fit", advice: "Change what is marked below and try again." },
  INVALID_PAGE_TOKEN: { title: "This list has changed", advice: "Start from its beginning again." },
  IMAGE_EMPTY: { title: "The picture is empty", advice: "Choose another file." },
  IMAGE_FORMAT_UNSUPPORTED: { title: "Not a picture that can be read", advice: "Send a JPEG, PNG or WebP file." },
  IMAGE_CORRUPT: { title: "The picture is damaged", advice: "Choose another file, or take it again." },
  IMAGE_TOO_LARGE: { title: "The picture is too large", advice: "Send a smaller one." },
  IMAGE_TOO_SMALL: { title: "The picture is too small", advice: "Send one with more pixels." },
  IMAGE_QUALITY: { title: "The picture does not show enough", advice: "Take it again in better light, held still." },
  PERSON_NOT_FOUND: { title: "Nobody is in the picture", advice: "Step back until all of you is in view." },
  EMBEDDING_MODEL: { title: "Two models do not agree", advice: "Search again; the catalogue has a new model." },
  RESOURCE_NOT_FOUND: { title: "It is not there", advice: "It may have been deleted, or belong to somebody else." },
  ETAG_MISMATCH: { title: "It changed in the meantime", advice: "Look at it again, then repeat your change." },
  STATE_CONFLICT: { title: "Too late for that", advice: "Look at where it stands now." },
  TOKEN_MISSING: { title: "You are not signed in", advice: "Sign in and try again." },
  TOKEN_INVALID: { title: "This sign-in is not known here", advice: "Sign in with a token of this mesh." },
  TOKEN_EXPIRED: { title: "Your sign-in has ended", advice: "Sign in again; nothing is lost." },
  NOT_OWNER: { title: "This belongs to somebody else", advice: "Sign in as the user whose it is." },
  ROLE_MISSING: { title: "You may not do this", advice: "It takes the role {role}." },
  RATE_LIMITED: { title: "Too many requests", advice: "Wait a moment; it goes on by itself." },
  CAPACITY_REACHED: { title: "No room just now", advice: "Every place is taken. Try again in a moment." },
  MESSAGE_TOO_LARGE: { title: "Too much at once", advice: "Send something smaller." },
  DEPENDENCY_UNAVAILABLE: { title: "A part of the mesh is away", advice: "{dependency} does not answer; Mesh shows more." },
  SHUTTING_DOWN: { title: "The server is restarting", advice: "Try again in a moment." },
  MODEL_UNAVAILABLE: { title: "A model is not loaded", advice: "Mesh shows which, and why." },
  INDEX_NOT_READY: { title: "The catalogue is being read", advice: "Searches answer in a moment." },
  DEADLINE_EXCEEDED: { title: "It took too long", advice: "Try again." },
  NOT_IMPLEMENTED_YET: { title: "Not there yet", advice: "This version does not do it yet." },
  CONSENT_MISSING: { title: "Your consent is needed", advice: "Allow it under your preferences first." },
  CONTENT_REFUSED: { title: "This cannot be asked for", advice: "Put it in other words." },
  CURRENCY_UNKNOWN: { title: "A currency is not known", advice: "Use one that the catalogue has a rate for." },
};

const CODES: Readonly<Partial<Record<Code, Words>>> = {
  [Code.Unavailable]: { title: "The mesh does not answer", advice: "Check that it runs (`vitrine status`), then try again." },
  [Code.Unauthenticated]: { title: "You are not signed in", advice: "Sign in and try again." },
  [Code.PermissionDenied]: { title: "You may not do this", advice: "" },
  [Code.NotFound]: { title: "It is not there", advice: "" },
  [Code.InvalidArgument]: { title: "That does not fit", advice: "Change it and try again." },
  [Code.ResourceExhausted]: { title: "Too much just now", advice: "Try again in a moment." },
  [Code.DeadlineExceeded]: { title: "It took too long", advice: "Try again." },
  [Code.Unimplemented]: { title: "Not there yet", advice: "This version does not do it yet." },
};

const UNKNOWN: Words = { title: "Something went wrong", advice: "Try again. If it stays, tell us the request id." };

/**
 * Names a failure.
 *
 * @param reason The reason that the server gave; may be empty.
 * @param code The canonical code.
 */
export function titleFor(reason: string, code: Code): string {
  return wordsFor(reason, code).title;
}

/**
 * Says what to do about a failure.
 *
 * @param reason The reason that the server gave; may be empty.
 * @param code The canonical code.
 * @param facts What the server said beside it; `{name}` in the words stands for the fact of that name.
 */
export function adviceFor(reason: string, code: Code, facts: Readonly<Record<string, string>>): string {
  return wordsFor(reason, code).advice.replace(/\{(\w+)\}/g, (_, name: string) => facts[name] ?? "something");
}

function wordsFor(reason: string, code: Code): Words {
  return REASONS[reason] ?? CODES[code] ?? UNKNOWN;
}
