import { type ReactNode, useCallback, useRef, useState } from "react";
import { ToastContext } from "./toasts";

const SHOWN_MS = 4000;

/** Holds the toasts of everything inside it. */
export function Toasts({ children }: { readonly children: ReactNode }) {
  const [toasts, setToasts] = useState<readonly { id: number; words: string }[]>([]);
  const last = useRef(0);
  const show = useCallback((words: string) => {
    last.current += 1;
    const id = last.current;
    setToasts((now) => [...now, { id, words }]);
    setTimeout(() => {
      setToasts((now) => now.filter((each) => each.id !== id));
    }, SHOWN_MS);
  }, []);
  return (
    <ToastContext value={show}>
      {children}
      <div className="toasts" role="status">
        {toasts.map(({ id, words }) => (
          <p key={id} className="toast">
            {words}
          </p>
        ))}
      </div>
    </ToastContext>
  );
}
