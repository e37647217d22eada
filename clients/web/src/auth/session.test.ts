import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { COOKIE, SessionStore } from "./session";
import { tokenOf } from "./tokens.fixture";

const NOW = 1_800_000_000_000;
const HOUR_S = 3600;
const token = (leftS: number) => tokenOf({ sub: "ada", exp: NOW / 1000 + leftS });

/** A jar as `document.cookie` is one: it takes a cookie with attributes and gives back names and values. */
function jar(kept = "") {
  return { cookie: kept };
}

describe("SessionStore", () => {
  beforeEach(() => vi.useFakeTimers({ now: NOW }));
  afterEach(() => vi.useRealTimers());

  it("has nobody at first", () => {
    expect(new SessionStore(jar(), false).get()).toEqual({ signedIn: false, why: "never" });
  });

  it("keeps a token in memory only, unless told otherwise", () => {
    const cookies = jar();
    const store = new SessionStore(cookies, false);
    store.enter(`Bearer ${token(HOUR_S)}\n`, false);
    expect(store.get()).toMatchObject({ signedIn: true, token: token(HOUR_S), identity: { user: "ada" } });
    expect(cookies.cookie).not.toContain(token(HOUR_S));
  });

  it("keeps it in a cookie of this site until it ends", () => {
    const cookies = jar();
    new SessionStore(cookies, true).enter(token(HOUR_S), true);
    expect(cookies.cookie).toBe(`${COOKIE}=${token(HOUR_S)}; Path=/; Max-Age=3600; SameSite=Strict; Secure`);
    expect(new SessionStore(jar(`other=1; ${COOKIE}=${token(HOUR_S)}`), true).get().signedIn).toBe(true);
  });

  it.each([
    ["broken", "x.y.z", "never"],
    ["over", token(-1), "expired"],
  ])("does not take up a cookie that is %s", (_, kept, why) => {
    expect(new SessionStore(jar(`${COOKIE}=${kept}`), false).get()).toEqual({ signedIn: false, why });
  });

  it("signs out by itself when the token ends, and says so", () => {
    const store = new SessionStore(jar(), false);
    const told = vi.fn();
    store.enter(token(HOUR_S), true);
    store.subscribe(told);
    vi.advanceTimersByTime(HOUR_S * 1000 - 1);
    expect(store.get().signedIn).toBe(true);
    vi.advanceTimersByTime(1);
    expect(store.get()).toEqual({ signedIn: false, why: "expired" });
    expect(told).toHaveBeenCalledTimes(1);
  });

  it("does not sign out a token of months at once", () => {
    const store = new SessionStore(jar(), false);
    store.enter(token(90 * 24 * HOUR_S), false);
    vi.advanceTimersByTime(1000);
    expect(store.get().signedIn).toBe(true);
    vi.advanceTimersByTime(30 * 24 * HOUR_S * 1000);
    expect(store.get().signedIn).toBe(true);
  });

  it("forgets the cookie of who leaves", () => {
    const cookies = jar();
    const store = new SessionStore(cookies, false);
    store.enter(token(HOUR_S), true);
    store.leave("left");
    expect(cookies.cookie).toBe(`${COOKIE}=; Path=/; Max-Age=0; SameSite=Strict`);
    expect(store.get()).toEqual({ signedIn: false, why: "left" });
  });
});
