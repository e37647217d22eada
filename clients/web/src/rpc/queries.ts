import { Code } from "@connectrpc/connect";
import { QueryClient } from "@tanstack/react-query";
import { type Failure, FailureError, failureOf } from "./failure";

const MOST_RETRIES = 2;
const LONGEST_WAIT_MS = 10_000;

/**
 * Says whether a failed read is worth another try.
 *
 * @param tried How often it was tried again already.
 * @param failure What went wrong.
 */
export function worthRetrying(tried: number, failure: Failure): boolean {
  const passing = failure.code === Code.Unavailable || failure.code === Code.ResourceExhausted;
  return passing && tried < MOST_RETRIES;
}

/**
 * Says how long to wait before another try, in milliseconds: what the server asks for, else twice as long each time.
 *
 * @param tried How often it was tried again already.
 * @param failure What went wrong.
 */
export function retryDelayMs(tried: number, failure: Failure): number {
  return Math.min(failure.retryAfterMs ?? 500 * 2 ** tried, LONGEST_WAIT_MS);
}

/** Reads any error of a query. */
export function asFailure(error: unknown): Failure {
  return error instanceof FailureError ? error.failure : failureOf(error);
}

/** The cache of everything that this page has read. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      // Without a network a query fails and says so, instead of waiting in silence.
      networkMode: "always",
      retry: (tried, error) => worthRetrying(tried, asFailure(error)),
      retryDelay: (tried, error) => retryDelayMs(tried, asFailure(error)),
    },
    mutations: { retry: false },
  },
});
