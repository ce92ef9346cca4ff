// Aligned columns for people.

import { GiB, KiB, MiB, TiB } from '../base/units.js'

export type Cell = string | number

/** Numbers stand right in their column, text left. */
export function table(headings: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const widths = headings.map((heading, i) => Math.max(heading.length, ...rows.map(row => String(row[i] ?? '').length)))
  const line = (cells: readonly Cell[]) =>
    cells
      .map((cell, i) =>
        typeof cell === 'number' ? String(cell).padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0),
      )
      .join('  ')
      .trimEnd()
  return [line(headings.map((heading, i) => alignHeading(heading, i, rows, widths))), ...rows.map(line)].join('\n')
}

function alignHeading(
  heading: string,
  i: number,
  rows: readonly (readonly Cell[])[],
  widths: readonly number[],
): string {
  return typeof rows[0]?.[i] === 'number' ? heading.padStart(widths[i] ?? 0) : heading
}

/** "12.3 GiB": three digits are enough for people. */
export function bytesText(bytes: number): string {
  for (const [unit, name] of [
    [TiB, 'TiB'],
    [GiB, 'GiB'],
    [MiB, 'MiB'],
    [KiB, 'KiB'],
  ] as const) {
    if (bytes >= unit) return `${(bytes / unit).toFixed(1)} ${name}`
  }
  return `${bytes} B`
}
