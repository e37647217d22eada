import { createContext, useContext } from "react";

/** Shows a few words for a moment; they are read out, too. Never for what a person must not miss. */
export type ShowToast = (words: string) => void;

export const ToastContext = createContext<ShowToast>(() => {
  throw new Error("there is no <Toasts> around this");
});

export function useToast(): ShowToast {
  return useContext(ToastContext);
}
