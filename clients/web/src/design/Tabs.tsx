import { type KeyboardEvent, type ReactNode, useId, useRef, useState } from "react";

interface Tab {
  readonly key: string;
  readonly label: string;
  readonly content: ReactNode;
}

/** Parts of a page of which one is shown. Arrow keys, Home and End walk through them. */
export function Tabs({ label, tabs }: { readonly label: string; readonly tabs: readonly Tab[] }) {
  const id = useId();
  const [chosen, setChosen] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const shown = tabs[chosen] ?? tabs[0];

  const walk = (event: KeyboardEvent) => {
    const next = nextTab(event.key, chosen, tabs.length);
    if (next === null) return;
    event.preventDefault();
    setChosen(next);
    list.current?.querySelectorAll<HTMLElement>("[role=tab]")[next]?.focus();
  };

  return (
    <div>
      <div className="tabs" role="tablist" aria-label={label} ref={list} onKeyDown={walk}>
        {tabs.map(({ key, label: words }, index) => (
          <button
            key={key}
            id={`${id}-${key}`}
            type="button"
            role="tab"
            className="tabs__tab"
            aria-selected={index === chosen}
            aria-controls={`${id}-panel`}
            tabIndex={index === chosen ? 0 : -1}
            onClick={() => {
              setChosen(index);
            }}
          >
            {words}
          </button>
        ))}
      </div>
      <div className="tabs__panel" role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${shown?.key ?? ""}`}>
        {shown?.content}
      </div>
    </div>
  );
}

function nextTab(key: string, chosen: number, count: number): number | null {
  const steps: Readonly<Record<string, number>> = {
    ArrowRight: (chosen + 1) % count,
    ArrowLeft: (chosen + count - 1) % count,
    Home: 0,
    End: count - 1,
  };
  return steps[key] ?? null;
}
