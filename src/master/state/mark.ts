// The mark beside the state, by which a start decides whether it can be trusted
// (docs/FORMAT.md, "State").

import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** The machine's boot under which the store was last open, and whether it was closed and synced. */
export interface Mark {
  readonly bootId: string
  readonly clean: boolean
  /** It had to be made again, and no start of the master has taken that into account yet. */
  readonly recordsLost: boolean
}

const markFile = 'mark.json'

/** The mark, if there is one that can be read. */
export function readMark(directory: string): Mark | undefined {
  const path = join(directory, markFile)
  if (!existsSync(path)) return undefined
  try {
    const mark: unknown = JSON.parse(readFileSync(path, 'utf8'))
    const known = typeof mark === 'object' && mark !== null && 'bootId' in mark && 'clean' in mark
    if (!known) return undefined
    const recordsLost = 'recordsLost' in mark && mark.recordsLost === true
    return { bootId: String(mark.bootId), clean: mark.clean === true, recordsLost }
  } catch (reason) {
    if (reason instanceof SyntaxError) return undefined // Half written: as if there were none.
    throw reason
  }
}

/** Durable once it returns: the mark never says more than is true. */
export function writeMark(directory: string, mark: Mark): void {
  const path = join(directory, markFile)
  const file = openSync(`${path}.new`, 'w')
  try {
    writeSync(file, `${JSON.stringify(mark)}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(`${path}.new`, path)
  syncPath(directory)
}

/** Durable once it returns. */
export function discardMark(directory: string): void {
  rmSync(join(directory, markFile), { force: true })
  syncPath(directory)
}

export function syncPath(path: string): void {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
