/** Who a token speaks for, as it says itself. The server checks tokens; this page only shows what they say. */
export interface Identity {
  /** The owner of `users/{user}`. */
  readonly user: string;
  readonly roles: readonly string[];
  /** When it ends, in milliseconds since 1970. */
  readonly expiresAtMs: number;
}

/** What is wrong with a text that should be a token, in words for the person who pasted it. */
export class TokenError extends Error {
  override readonly name = "TokenError";
}

/**
 * Reads what a JSON Web Token says.
 *
 * @param token The token, as it goes into the header `authorization` after `Bearer `.
 * @throws TokenError It is no token, or none of a person, or one that never ends.
 */
export function readToken(token: string): Identity {
  const parts = token.split(".");
  if (parts.length !== 3) throw new TokenError("This is no token: it should have three parts with dots between them.");
  const claims = claimsOf(parts[1] ?? "");
  const { sub, exp, roles } = claims;
  if (typeof sub !== "string" || sub === "") throw new TokenError("This token does not say whom it is for.");
  if (typeof exp !== "number") throw new TokenError("This token does not say when it ends.");
  const named = Array.isArray(roles) ? roles.filter((each): each is string => typeof each === "string") : [];
  return { user: sub, roles: named, expiresAtMs: exp * 1000 };
}

function claimsOf(part: string): Record<string, unknown> {
  try {
    const bytes = Uint8Array.from(atob(part.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof claims === "object" && claims !== null) return claims as Record<string, unknown>;
  } catch {
    // said below
  }
  throw new TokenError("This is no token: its middle part cannot be read. Was it copied whole?");
}
