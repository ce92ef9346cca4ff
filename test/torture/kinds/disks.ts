// Disks that are full.

import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { between, type Fault, type Kind, type Target } from './kind.js'

export const diskKinds: Readonly<Record<string, Kind>> = {
  'disk-full': diskFull,
}

const fillBytes = 2 ** 20

function diskFull({ stage, random, primary, secondaries }: Target): Fault {
  const all = [primary, ...secondaries]
  const index = all[Math.floor(random.next() * all.length)] ?? primary
  const filler = join(stage.diskOf(index), 'filler')
  return {
    what: `disk of chunkserver-${index + 1} full`,
    holdMs: between(random, 500, 2000),
    begin: async () => fill(filler),
    end: async () => rmSync(filler),
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
