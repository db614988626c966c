// How numbers are shown.

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const units = ["", "k", "M", "G", "T"];

// count is a number with its digits in groups.
export const count = (n: number) => grouped.format(n);

// short is a number in few characters: 12.3k.
export function short(n: number, base = 1000): string {
  let unit = 0;
  while (Math.abs(n) >= base && unit < units.length - 1) {
    n /= base;
    unit++;
  }
  const digits = Math.abs(n) >= 100 || Number.isInteger(n) ? 0 : Math.abs(n) >= 10 ? 1 : 2;
  return n.toFixed(digits) + units[unit];
}

export const bytes = (n: number) => short(n, 1024) + "B";

export const milliseconds = (n: number) => (n >= 1000 ? (n / 1000).toFixed(1) + " s" : short(n) + " ms");
