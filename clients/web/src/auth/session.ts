import { type Identity, readToken } from "./token";

/** Ingest takes the token of a WebSocket from this cookie, on pages of our own origin. */
export const COOKIE = "vitrine_token";

/** Why nobody is signed in. */
export type Absence = "never" | "left" | "expired" | "refused";

export type SessionState =
  | { readonly signedIn: false; readonly why: Absence }
  | { readonly signedIn: true; readonly token: string; readonly identity: Identity };

/** Where a session may be kept beyond a reload. In the browser: `document.cookie`. */
export interface CookieJar {
  cookie: string;
}

// A longer wait than this overflows a browser's timer, which then fires at once.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Who is signed in: in memory, and in a cookie of this site where the person wishes so. Never in a URL, never in storage
 * that outlives the token.
 */
export class SessionStore {
  #state: SessionState = { signedIn: false, why: "never" };
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #listeners = new Set<() => void>();
  readonly #jar: CookieJar;
  readonly #secure: boolean;

  /**
   * @param jar Where the cookie is kept.
   * @param secure Whether the page came over TLS: then the cookie goes nowhere else.
   */
  constructor(jar: CookieJar, secure: boolean) {
    this.#jar = jar;
    this.#secure = secure;
    const kept = this.#jar.cookie.split("; ").find((each) => each.startsWith(`${COOKIE}=`));
    if (kept !== undefined) this.#restore(kept.slice(COOKIE.length + 1));
  }

  readonly get = (): SessionState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /**
   * Signs in.
   *
   * @param token A token as `vitrine token` prints it.
   * @param keep Whether it outlives a reload of the page, until it ends.
   * @throws TokenError It is no token.
   */
  enter(token: string, keep: boolean): void {
    const bare = token.trim().replace(/^Bearer\s+/i, "");
    const identity = readToken(bare);
    this.#jar.cookie = keep ? this.#cookie(bare, secondsLeft(identity)) : this.#cookie("", 0);
    this.#set({ signedIn: true, token: bare, identity });
  }

  /**
   * Signs out and forgets the token.
   *
   * @param why What the sign-in page shall say.
   */
  leave(why: Exclude<Absence, "never">): void {
    this.#jar.cookie = this.#cookie("", 0);
    this.#set({ signedIn: false, why });
  }

  #restore(token: string): void {
    try {
      this.#set({ signedIn: true, token, identity: readToken(token) });
    } catch {
      this.#jar.cookie = this.#cookie("", 0);
    }
  }

  #set(state: SessionState): void {
    const over = state.signedIn && secondsLeft(state.identity) === 0;
    this.#state = over ? { signedIn: false, why: "expired" } : state;
    this.#watch();
    for (const listener of this.#listeners) listener();
  }

  /** Leaves when the token ends. */
  #watch(): void {
    clearTimeout(this.#timer);
    if (!this.#state.signedIn) return;
    const left = this.#state.identity.expiresAtMs - Date.now();
    if (left <= 0) {
      this.leave("expired");
    } else {
      this.#timer = setTimeout(() => {
        this.#watch();
      }, Math.min(left, LONGEST_TIMER_MS));
    }
  }

  #cookie(token: string, seconds: number): string {
    const secure = this.#secure ? "; Secure" : "";
    return `${COOKIE}=${token}; Path=/; Max-Age=${seconds}; SameSite=Strict${secure}`;
  }
}

function secondsLeft(identity: Identity): number {
  return Math.max(0, Math.floor((identity.expiresAtMs - Date.now()) / 1000));
}
