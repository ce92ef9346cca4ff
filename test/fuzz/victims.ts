// The daemons under attack: whether they live, what memory they take, what they
// say.

import { readFileSync } from 'node:fs'

export interface Victim {
  readonly label: string
  readonly pid: number
}

export interface MemoryFigures {
  readonly beforeBytes: number
  readonly afterBytes: number
  /** The most that was resident since the process began. */
  readonly peakBytes: number
}

/** From /proc. @throws if the process is gone */
export function residentBytes(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const value = (name: string) => 1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1])
  return { now: value('VmRSS'), peak: value('VmHWM') }
}

/** Counts what daemons log, and keeps the first few lines of each kind. */
export class LogCounter {
  readonly #counts = new Map<string, Map<string, number>>()
  readonly #longest = new Map<string, number>()

  take(label: string, line: string): void {
    if (!line.startsWith('{')) return
    const message = messageOf(line)
    const counts = this.#counts.get(label) ?? new Map<string, number>()
    this.#counts.set(label, counts.set(message, (counts.get(message) ?? 0) + 1))
    this.#longest.set(label, Math.max(line.length, this.#longest.get(label) ?? 0))
  }

  lines(label: string): number {
    return [...(this.#counts.get(label)?.values() ?? [])].reduce((sum, count) => sum + count, 0)
  }

  longest(label: string): number {
    return this.#longest.get(label) ?? 0
  }

  /** How often each message came. */
  kinds(label: string): ReadonlyMap<string, number> {
    return this.#counts.get(label) ?? new Map()
  }
}

function messageOf(line: string): string {
  try {
    return String(JSON.parse(line).msg)
  } catch {
    return line.slice(0, 80)
  }
}
