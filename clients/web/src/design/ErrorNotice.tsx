import type { Failure } from "../rpc/failure";
import { Button } from "./Button";
import { useToast } from "./toasts";

interface Props {
  readonly failure: Failure;
  /** Tries again what failed; without it no button is shown. */
  readonly onRetry?: () => void;
}

/** A failure in words: what it is, what to do, which fields are at fault, and what to tell those who run the mesh. */
export function ErrorNotice({ failure, onRetry }: Props) {
  const toast = useToast();
  const { title, advice, fields, reason, requestId, retryAfterMs } = failure;
  const copy = async () => {
    await navigator.clipboard.writeText(requestId);
    toast("Request id copied");
  };
  return (
    <div className={`notice ${retryAfterMs === null ? "" : "notice--warning"}`} role="alert">
      <h2 className="notice__title">{title}</h2>
      {advice && <p>{advice}</p>}
      {fields.length > 0 && (
        <ul className="notice__fields">
          {fields.map(({ field, description }) => (
            <li key={field}>
              <code>{field}</code> {description}
            </li>
          ))}
        </ul>
      )}
      <p className="notice__facts">{[reason, failure.message, requestId && `request ${requestId}`].filter(Boolean).join(" · ")}</p>
      <div className="notice__actions">
        {onRetry && <Button onClick={onRetry}>Try again</Button>}
        {/* Pages that came over plain HTTP from elsewhere have no clipboard. */}
        {requestId && "clipboard" in navigator && <Button onClick={() => void copy()}>Copy request id</Button>}
      </div>
    </div>
  );
}
