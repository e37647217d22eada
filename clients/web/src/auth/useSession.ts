import { useSyncExternalStore } from "react";
import { type SessionState, SessionStore } from "./session";

/** The session of this page. */
export const session = new SessionStore(document, location.protocol === "https:");

/** Says who is signed in, and renders anew when that changes. */
export function useSession(): SessionState {
  return useSyncExternalStore(session.subscribe, session.get);
}
