import "./signin.css";
import { type SubmitEvent, useState } from "react";
import { useTitle } from "../../app/useTitle";
import type { Absence } from "../../auth/session";
import { TokenError } from "../../auth/token";
import { session } from "../../auth/useSession";
import { Button, Field } from "../../design";

const WHY: Readonly<Record<Absence, string>> = {
  never: "",
  left: "You are signed out.",
  expired: "Your sign-in has ended. Sign in again to go on where you were.",
  refused: "The mesh does not know this token. Was it made by another mesh?",
};

/** Asks for a token. After it the page is shown whose address is in the browser. */
export function SignInPage({ why }: { readonly why: Absence }) {
  useTitle("Sign in");
  const [error, setError] = useState("");
  const enter = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const typed = form.get("token");
    try {
      session.enter(typeof typed === "string" ? typed : "", form.get("keep") !== null);
    } catch (caught) {
      if (!(caught instanceof TokenError)) throw caught;
      setError(caught.message);
    }
  };
  return (
    <main className="signin">
      <div className="signin__sheet">
        <h1>Vitrine</h1>
        <p className="signin__lead">What you wear, seen. What to wear next, chosen.</p>
        {why !== "never" && (
          <p className="signin__why" role="status">
            {WHY[why]}
          </p>
        )}
        <form className="signin__form" onSubmit={enter} noValidate>
          <Field
            label="Token"
            name="token"
            type="password"
            autoComplete="off"
            spellCheck={false}
            error={error}
            hint={
              <>
                <code>vitrine token</code> prints one for this machine&rsquo;s mesh.
              </>
            }
          />
          <label className="signin__keep">
            <input type="checkbox" name="keep" />
            Stay signed in on this device until the token ends
          </label>
          <Button type="submit" kind="primary">
            Sign in
          </Button>
        </form>
      </div>
    </main>
  );
}
