import type { Money } from "@vitrine/contract/google/type/money_pb.js";

/**
 * Writes an amount as people of this browser's language do: `€49.00`.
 *
 * @param amount The amount; its currency is three letters.
 */
export function money(amount: Money): string {
  const value = Number(amount.units) + amount.nanos / 1e9;
  if (!/^[A-Z]{3}$/.test(amount.currencyCode)) return value.toFixed(2);
  return new Intl.NumberFormat(undefined, { style: "currency", currency: amount.currencyCode }).format(value);
}
