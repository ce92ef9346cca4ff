// A client program of bars.ts: overwrites records of one file, one after the
// other, each until it is on all disks, and says how long that took.

import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { performance } from 'node:perf_hooks'

export interface Order {
  /** How many overwrites. */
  readonly count: number
}

export interface Done {
  /** The longest of them, in ms. */
  readonly longestMs: number
}

const recordBytes = 64 * 1024
const records = 16

const [path = ''] = process.argv.slice(2)
const file = await open(path, constants.O_CREAT | constants.O_RDWR)

process.on('message', async ({ count }: Order) => {
  let longestMs = 0
  for (let i = 0; i < count; i++) {
    const begun = performance.now()
    await file.write(Buffer.alloc(recordBytes, i % 251), 0, recordBytes, (i % records) * recordBytes)
    await file.datasync()
    longestMs = Math.max(longestMs, performance.now() - begun)
  }
  const done: Done = { longestMs }
  process.send?.(done)
})
process.on('disconnect', () => process.exit())
