import { describe, expect, it } from "vitest";
import { readToken, TokenError } from "./token";
import { tokenOf } from "./tokens.fixture";

describe("readToken", () => {
  it("says whom it is for, with which roles, until when", () => {
    const read = readToken(tokenOf({ sub: "ada", roles: ["operator"], exp: 1_800_000_000 }));
    expect(read).toEqual({ user: "ada", roles: ["operator"], expiresAtMs: 1_800_000_000_000 });
  });

  it("reads letters beyond ASCII", () => {
    expect(readToken(tokenOf({ sub: "zoë-ü?>", exp: 1 })).user).toBe("zoë-ü?>");
  });

  it.each([
    ["nothing", "", "three parts"],
    ["a word", "secret", "three parts"],
    ["half of one", tokenOf({ sub: "ada", exp: 1 }).slice(0, 40), "three parts"],
    ["three words", "a.b.c", "cannot be read"],
    ["a list", `x.${Buffer.from("3").toString("base64url")}.y`, "cannot be read"],
    ["nobody's", tokenOf({ exp: 1 }), "whom it is for"],
    ["an endless one", tokenOf({ sub: "ada" }), "when it ends"],
  ])("refuses %s in words", (_, token, words) => {
    expect(() => readToken(token)).toThrow(TokenError);
    expect(() => readToken(token)).toThrow(words);
  });
});
