// One round: programs work, something happens, they go on; then everything that
// was acknowledged must be there, and all replicas must be the same.

import { setTimeout as delay } from 'node:timers/promises'
import { SeededRandom } from '../../src/base/random.js'
import { hold, type Kind, type Target } from './kinds/kind.js'
import type { Stage } from './stage.js'
import { below } from './work/work.js'

const warmUpMs = 300
/** No mount uses what it cached longer than this. */
const cachedMs = 4000
const progressCount = 2
/** For what must come about after a fault: far more than it may take, and an end to what does not. */
const patienceMs = 60_000

export interface Outcome {
  readonly what: string
  readonly acknowledged: number
  /** How long its steps took, for people. */
  readonly steps: string
  /** The longest that one operation took. */
  readonly longestMs: number
  /** Acknowledged, and not there; or older than what was acknowledged before. */
  readonly lost: readonly string[]
  readonly diverged: readonly string[]
  /** Errors, ends of processes, and what does not go on. */
  readonly failed: readonly string[]
}

export async function playRound(stage: Stage, kind: Kind, seed: number): Promise<Outcome> {
  const random = new SeededRandom(seed)
  const failed: string[] = []
  const lost: string[] = []
  const diverged: string[] = []
  const { work } = stage
  await work.ask('start')
  let what = 'nothing yet'
  const steps: string[] = []
  const mayFail = async (which: string, step: () => Promise<void>) => {
    const begun = performance.now()
    try {
      await inTime(step())
    } catch (reason) {
      failed.push(`${which}: ${(reason as Error).message}`)
    }
    steps.push(`${which} ${((performance.now() - begun) / 1000).toFixed(1)} s`)
    return failed.length === 0
  }

  await mayFail('fault', async () => {
    await delay(warmUpMs)
    const fault = kind(await targetOf(stage, random))
    what = fault.what
    await hold(fault)
  })
  ;(await mayFail('going on', () => work.ask('progress', progressCount))) ||
    failed.push(`done in this round: ${await work.ask('waiting')}`)
  const isQuiet = await mayFail('pausing', () => work.ask('pause'))
  if (isQuiet) {
    await mayFail('becoming whole', () => stage.becomesWhole())
    await mayFail('reading all', async () => {
      lost.push(...(await work.ask('check')))
      if (lost.length === 0) return
      // For whoever looks into it: is it so for good, or did a mount believe for too long what it knew?
      await delay(cachedMs)
      const later = await work.ask('check')
      lost.push(...later.map(line => `${line}, and when no cache is valid any more`))
    })
    await mayFail('fsck', async () => {
      diverged.push(...(await stage.fsck()))
    })
  }
  const report = await work.ask('report')
  failed.push(...stage.daemonsThatEnded().map(label => `${label} has ended`))
  return {
    what,
    acknowledged: report.acknowledged,
    longestMs: report.longestMs,
    steps: steps.join(', '),
    lost: [...report.wrong, ...lost],
    diverged,
    failed: [...report.failed, ...failed],
  }
}

/** A file that is being written to, and who is who for it. */
async function targetOf(stage: Stage, random: SeededRandom): Promise<Target> {
  const mount = below(random, stage.cluster.mounts.length)
  const chance = random.next()
  while (true) {
    const paths = await stage.work.ask('slotPaths')
    const path = paths[Math.floor(chance * paths.length)] ?? ''
    const roles = await stage.roles(path, mount).catch(() => undefined) // It may not have been made yet.
    if (roles && roles.secondaries.length === 2) return { stage, random, path, mount, ...roles }
    await delay(50)
  }
}

async function inTime(step: Promise<void>): Promise<void> {
  const timer = new AbortController()
  const tooLate = delay(patienceMs, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`not so after ${patienceMs} ms`)
  })
  tooLate.catch(() => {}) // Nobody waits for it any more.
  try {
    await Promise.race([step, tooLate])
  } finally {
    timer.abort()
  }
}
