// Disks that are full, fail, or take long.

import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { oneOf } from '../work/work.js'
import { between, type Fault, type Kind, type Target } from './kind.js'

export const diskKinds: Readonly<Record<string, Kind>> = {
  'disk-full': diskFull,
  'disk-errors': target =>
    faulty(target, { [oneOf(target.random, ['write', 'sync', 'create', 'setVersion', 'read'])]: io }),
  'disk-torn': target => faulty(target, { write: { ...io, percent: 30, torn: true } }),
  'disk-slow': target => {
    const delayMs = between(target.random, 20, 800)
    return faulty(target, { write: { delayMs }, sync: { delayMs }, read: { delayMs } })
  },
}

const io = { code: 'IO' } as const

const fillBytes = 2 ** 20

function diskFull({ stage, random, primary, secondaries }: Target): Fault {
  const index = oneOf(random, [primary, ...secondaries])
  const filler = join(stage.diskOf(index), 'filler')
  return {
    what: `disk of chunkserver-${index + 1} full`,
    holdMs: between(random, 500, 2000),
    begin: async () => fill(filler),
    end: async () => rmSync(filler),
  }
}

/** The disk of one of the replicas does as the plan says (docs/TESTING.md, "Disks that fail"). */
function faulty({ stage, random, primary, secondaries }: Target, plan: object): Fault {
  const index = oneOf(random, [primary, ...secondaries])
  const server = stage.server(index)
  return {
    what: `disk of ${server.label} does ${JSON.stringify(plan)}`,
    holdMs: between(random, 300, 2000),
    begin: async () => stage.cluster.setFaults(index, plan),
    // A disk that fails again and again is not believed for minutes, unless its server is started again.
    end: async () => {
      stage.cluster.setFaults(index, {})
      if (JSON.stringify(plan).includes(io.code)) await server.restart()
    },
  }
}

/** Writes a file until nothing more goes onto the disk. */
function fill(path: string): void {
  const file = openSync(path, 'w')
  try {
    for (let size = fillBytes; size >= 1; size = Math.floor(size / 2)) {
      const bytes = Buffer.alloc(size)
      try {
        while (true) writeSync(file, bytes)
      } catch (reason) {
        if ((reason as NodeJS.ErrnoException).code !== 'ENOSPC') throw reason
      }
    }
  } finally {
    closeSync(file)
  }
}
