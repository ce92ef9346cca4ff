// Bytes that change on the disk behind a daemon's back.

import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { dataStart } from '../../../src/chunkserver/store/chunk-format.js'
import { checksumBlockSize } from '../../../src/constants.js'
import { decodeRecord, segmentHeaderLength } from '../../../src/master/journal/journal-format.js'
import { segmentsIn } from '../../../src/master/journal/segment.js'
import { below, oneOf } from '../work/work.js'
import { between, type Fault, type Kind, type Target } from './kind.js'

export const damageKinds: Readonly<Record<string, Kind>> = {
  'flip-bytes': flipBytes,
  'damage-journal': damageJournal,
}

const flipsMax = 12
/** Of a replica: beyond it most are holes. */
const blocksLookedAt = 64
const restoredMs = 20_000
/** What the end of the journal says may not have been applied to the state, and may be taken for torn. */
const sureShare = 0.9

/** A byte that is turned around. Everything that is written here is ASCII, so it can be told from all that is right. */
interface Flip {
  readonly path: string
  readonly offset: number
}

/** In replicas of one chunkserver. Nobody may read them, and they must be restored. */
function flipBytes({ stage, random, primary, secondaries }: Target): Fault {
  const index = oneOf(random, [primary, ...secondaries])
  const { label } = stage.server(index)
  const flips: Flip[] = []
  return {
    what: `bytes flipped in replicas of ${label}`,
    holdMs: between(random, 200, 1200),
    begin: async () => {
      const chunks = join(stage.cluster.dataOf(index), 'chunks')
      const replicas = readdirSync(chunks, { recursive: true, encoding: 'utf8' }).filter(name =>
        name.endsWith('.chunk'),
      )
      for (let i = 0; i < flipsMax; i++) {
        const path = join(chunks, oneOf(random, replicas))
        const offset = dataStart + below(random, blocksLookedAt) * checksumBlockSize + below(random, checksumBlockSize)
        if (flip(path, offset)) flips.push({ path, offset })
      }
    },
    end: async () => {
      await stage.scrub()
      const deadline = performance.now() + restoredMs
      while (flips.some(isFlipped)) {
        if (performance.now() > deadline) throw new Error(`still damaged: ${JSON.stringify(flips.filter(isFlipped))}`)
        await delay(50)
      }
    },
  }
}

/** @returns whether there was something to flip */
function flip(path: string, offset: number): boolean {
  if (!existsSync(path)) return false
  const file = openSync(path, 'r+')
  try {
    const byte = Buffer.alloc(1)
    if (readSync(file, byte, 0, 1, offset) === 0 || byte[0] === 0) return false
    return writeSync(file, Buffer.from([~(byte[0] ?? 0) & 0xff]), 0, 1, offset) > 0
  } finally {
    closeSync(file)
  }
}

function isFlipped({ path, offset }: Flip): boolean {
  if (!existsSync(path)) return false // Deleted as a whole: another was made.
  const file = openSync(path, 'r')
  try {
    const byte = Buffer.alloc(1)
    return readSync(file, byte, 0, 1, offset) > 0 && (byte[0] ?? 0) >= 0x80
  } finally {
    closeSync(file)
  }
}

/** While the master is down. It must refuse to start and say where; with the byte put back it goes on as if nothing had been. */
function damageJournal({ stage, random }: Target): Fault {
  const { master, masterData } = stage.cluster
  return {
    what: 'SIGKILL of the master, and a byte of its journal flipped until it has refused to start',
    holdMs: 0,
    begin: async () => {
      await master.kill()
      const segment = oneOf(random, segmentsIn(join(masterData, 'journal')))
      const bytes = readFileSync(segment.path)
      const records: { index: number; offset: number; end: number }[] = []
      for (let offset = segmentHeaderLength; ; ) {
        const record = decodeRecord(bytes, offset)
        if (!record) break
        records.push({ index: record.index, offset, end: record.end })
        offset = record.end
      }
      const { index, offset, end } = oneOf(random, records.slice(0, Math.ceil(records.length * sureShare)))
      const at = offset + below(random, end - offset)
      const file = openSync(segment.path, 'r+')
      writeSync(file, Buffer.from([~(bytes[at] ?? 0) & 0xff]), 0, 1, at)
      const refusal = await master.start().then(
        () => 'it has started',
        (reason: Error) => reason.message,
      )
      writeSync(file, bytes, at, 1, at)
      closeSync(file)
      const expected = `${segment.path}: record ${index} at byte ${offset} is damaged`
      if (!refusal.includes(expected)) throw new Error(`not "${expected}", but: ${refusal}`)
    },
    end: () => master.start(),
  }
}
