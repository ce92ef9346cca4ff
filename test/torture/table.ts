// What came out, a line for each kind.

import { table } from '../../src/cli/table.js'
import type { Outcome } from './round.js'

export class Table {
  readonly #outcomes = new Map<string, Outcome[]>()

  add(kind: string, outcome: Outcome): void {
    const known = this.#outcomes.get(kind)
    if (known) known.push(outcome)
    else this.#outcomes.set(kind, [outcome])
  }

  get isGood(): boolean {
    const all = [...this.#outcomes.values()].flat()
    return all.every(({ lost, diverged, failed }) => lost.length + diverged.length + failed.length === 0)
  }

  text(): string {
    const headings = ['KIND', 'ROUNDS', 'ACKNOWLEDGED', 'LOST', 'DIVERGED', 'STALL MEDIAN', 'STALL MAX', 'FAILURES']
    const rows = [...this.#outcomes].map(([kind, outcomes]) => {
      const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((total, outcome) => total + of(outcome), 0)
      const stalls = outcomes.map(({ longestMs }) => longestMs).sort((a, b) => a - b)
      return [
        kind,
        outcomes.length,
        sum(({ acknowledged }) => acknowledged),
        sum(({ lost }) => lost.length),
        sum(({ diverged }) => diverged.length),
        seconds(stalls[Math.floor(stalls.length / 2)] ?? 0),
        seconds(stalls.at(-1) ?? 0),
        sum(({ failed }) => failed.length),
      ]
    })
    return table(headings, rows)
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`
}
