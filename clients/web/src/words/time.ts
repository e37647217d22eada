const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
];

/**
 * Says how long ago something was: `3 minutes ago`, `just now` within a minute.
 *
 * @param then When it was, in milliseconds since 1970.
 * @param now The time, in milliseconds since 1970.
 */
export function ago(then: number, now: number): string {
  const passed = Math.max(0, now - then);
  const [unit, size] = UNITS.find(([, each]) => passed >= each) ?? ["minute", 60_000];
  if (passed < size) return "just now";
  return new Intl.RelativeTimeFormat("en", { numeric: "always" }).format(-Math.floor(passed / size), unit);
}

/**
 * Writes a length of time as operators read it: `0.8 ms`, `12 ms`, `1.4 s`.
 *
 * @param ms The time in milliseconds.
 */
export function duration(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms >= 10 ? ms.toFixed(0) : ms.toFixed(1)} ms`;
}
