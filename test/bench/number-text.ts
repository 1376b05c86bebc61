/** Three significant digits, as people write them: `0.0123`, `1.23`, `12.3`, `1,230`. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  const decimals = Math.min(6, Math.max(0, 2 - magnitude));
  return value.toLocaleString('en-GB', {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
}

export const ms = (value: number): string => `${digits(value)} ms`;
export const ratio = (value: number): string => `${value.toFixed(2)}×`;
export const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
export const span = (lowest: number, highest: number): string =>
  `${digits(lowest)}–${digits(highest)}`;
