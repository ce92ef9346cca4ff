// Half-open ranges of bytes in a file.

export interface Range {
  readonly start: number
  readonly end: number
}

/** What of `whole` none of `covered` covers. `covered` may overlap and come in any order. */
export function uncovered(whole: Range, covered: readonly Range[]): Range[] {
  const gaps: Range[] = []
  let at = whole.start
  for (const { start, end } of [...covered].sort((a, b) => a.start - b.start)) {
    if (start >= whole.end) break
    if (start > at) gaps.push({ start: at, end: start })
    at = Math.max(at, end)
  }
  if (at < whole.end) gaps.push({ start: at, end: whole.end })
  return gaps
}

/** The aligned pieces of `unit` bytes that `range` touches, cut to it. */
export function* alignedPieces({ start, end }: Range, unit: number): Generator<Range> {
  for (let at = start; at < end; ) {
    const pieceEnd = Math.min(end, (Math.floor(at / unit) + 1) * unit)
    yield { start: at, end: pieceEnd }
    at = pieceEnd
  }
}
