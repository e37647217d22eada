/** Makes a token the way JWT (RFC 7519) writes one, unsigned: nothing here checks signatures. */
export function tokenOf(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "ES256" })}.${part(claims)}.c2ln`;
}
