import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { session } from "../auth/useSession";
import { failureOf } from "./failure";

// Longer than any answer takes that is still worth waiting for; the services have shorter deadlines of their own.
const TIMEOUT_MS = 30_000;

/** Shows the token of who is signed in, and signs out where the server no longer takes it. */
const signed: Interceptor = (next) => async (request) => {
  const before = session.get();
  if (before.signedIn) request.header.set("authorization", `Bearer ${before.token}`);
  try {
    return await next(request);
  } catch (error) {
    const refused = ConnectError.from(error).code === Code.Unauthenticated;
    // An answer to the token of somebody who has left meanwhile says nothing about who is here now.
    if (refused && session.get() === before && before.signedIn) {
      session.leave(failureOf(error).reason === "TOKEN_EXPIRED" ? "expired" : "refused");
    }
    throw error;
  }
};

/** The one transport of this page: gRPC-Web to where the page came from. */
export const transport = createGrpcWebTransport({
  baseUrl: location.origin,
  interceptors: [signed],
  defaultTimeoutMs: TIMEOUT_MS,
});
