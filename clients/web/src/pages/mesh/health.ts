import { FailureError, failureOfStatus } from "../../rpc/failure";

export type Wellness = "healthy" | "degraded" | "unhealthy";

/** How the whole mesh is. */
export interface Health {
  readonly status: Wellness;
  readonly version: string;
  /** Each service by its name, in the order in which the mesh names them. */
  readonly services: readonly { readonly name: string; readonly well: boolean }[];
}

/**
 * Asks the mesh how it is.
 *
 * @throws FailureError The edge does not answer, or answers for ingest, which is away.
 */
export async function fetchHealth(signal: AbortSignal): Promise<Health> {
  const answer = await fetch("/health", { signal });
  const body: unknown = await answer.json().catch(() => null);
  const health = readHealth(body);
  if (health === null) throw new FailureError(failureOfStatus(body));
  return health;
}

/**
 * Reads the answer of `/health`; null where it is something else.
 *
 * @param body The body, parsed.
 */
export function readHealth(body: unknown): Health | null {
  if (!isRecord(body) || !isRecord(body["services"]) || !isWellness(body["status"])) return null;
  const services = Object.entries(body["services"]).map(([name, each]) => ({
    name,
    well: isRecord(each) && each["status"] === "healthy",
  }));
  const version = typeof body["version"] === "string" ? body["version"] : "";
  return { status: body["status"], version, services };
}

function isWellness(value: unknown): value is Wellness {
  return value === "healthy" || value === "degraded" || value === "unhealthy";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
