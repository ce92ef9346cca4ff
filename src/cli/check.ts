// leasefs-master --check: whether a data directory is whole. What reads a state
// runs in a process of its own, which a damaged one may end.

import { spawn } from 'node:child_process'
import { mkdtemp, rm, stat, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { openDataDirectory } from '../base/data-directory.js'
import { LeasefsError } from '../base/errors.js'
import { SystemRandom } from '../base/random.js'
import { formatVersion } from '../constants.js'
import { type CheckedDirectory, checkDirectory, readerDied } from '../master/check/directory/check-directory.js'
import { checkStore, type StoreCheck } from '../master/check/directory/check-store.js'
import { type DirectoryStep, isFinding, note } from '../master/check/directory/step.js'
import { bootId } from '../master/storage.js'
import type { ClusterId } from '../wire/ids.js'
import { bar } from './progress.js'

/** Exit codes: all is well; it could not be checked; something is wrong. */
export const checkExits = { well: 0, unknown: 1, wrong: 2 } as const

/** Room for the comparison, in parts of the state: a copy, and what replay adds. */
const scratchFactor = 2

interface Part {
  readonly check: StoreCheck
  /** An empty directory. */
  readonly scratch: string
}

/** @throws LeasefsError LOCKED, INVALID_ARGUMENT and others: it could not be checked */
export async function check(directory: string): Promise<void> {
  await stat(join(directory, 'identity.json')).catch(reason => {
    throw new LeasefsError('NOT_FOUND', `${directory} is not a data directory of a master`, { cause: reason })
  })
  const dataDirectory = await openDataDirectory(directory, 'master', { formatVersion })
  try {
    const clusterId = dataDirectory.identity.clusterId as ClusterId | undefined
    if (clusterId === undefined) throw new LeasefsError('NOT_FOUND', `${directory} belongs to no cluster yet`)
    const boot = bootId(new SystemRandom())
    const options = { directory: dataDirectory.path, clusterId, bootId: boot, store: inChild }
    const { wrongs, checked } = await report(checkDirectory(options))
    process.stdout.write(
      `${directory}: ${summary(clusterId, checked)}: ${wrongs === 0 ? 'all is well' : `${wrongs} wrong`}\n`,
    )
    process.exitCode = wrongs === 0 ? checkExits.well : checkExits.wrong
  } finally {
    await dataDirectory.close()
  }
}

/** What a child of check() does: one JSON line on stdout for each step. */
export async function checkPart(text: string): Promise<void> {
  const { check, scratch } = JSON.parse(text) as Part
  for await (const step of checkStore(check, scratch)) process.stdout.write(`${JSON.stringify(step)}\n`)
}

async function report(
  steps: AsyncGenerator<DirectoryStep, CheckedDirectory>,
): Promise<{ wrongs: number; checked: CheckedDirectory }> {
  let wrongs = 0
  const clear = () => process.stderr.isTTY && process.stderr.write('\r\x1b[K')
  for (;;) {
    const step = await steps.next()
    clear()
    if (step.done) return { wrongs, checked: step.value }
    if (isFinding(step.value)) {
      const { where, text, harmless } = step.value
      if (!harmless) wrongs++
      process.stdout.write(`${where}: ${text}\n`)
    } else if (process.stderr.isTTY) process.stderr.write(`${bar(step.value.share)} ${step.value.doing}`)
  }
}

function summary(clusterId: ClusterId, { journal, snapshots }: CheckedDirectory): string {
  const { firstIndex, lastIndex } = journal
  const records = firstIndex > lastIndex ? `no records after ${lastIndex}` : `records ${firstIndex} to ${lastIndex}`
  const at = snapshots.map(({ index }) => index).join(' and ')
  return `cluster ${clusterId}, ${records}, ${at ? `snapshots after ${at}` : 'no snapshot'}`
}

async function* inChild(check: StoreCheck): AsyncIterable<DirectoryStep> {
  const { path, rebuild } = check
  const scratch = await mkdtemp(join(tmpdir(), 'leasefs-check-'))
  try {
    const { bavail, bsize } = await statfs(scratch)
    const { size } = await stat(path)
    const room = bavail * bsize >= scratchFactor * size
    if (rebuild && !room) {
      yield note(path, `is not compared with the journal: ${scratch} has no room for it (TMPDIR says where)`)
    }
    yield* runPart({ check: room ? check : { path }, scratch })
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

async function* runPart(part: Part): AsyncIterable<DirectoryStep> {
  const [, script = ''] = process.argv
  const args = [script, '--data', '.', '--check-part', JSON.stringify(part)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<string | undefined>(resolve => {
    child.on('error', reason => resolve(reason.message))
    child.on('close', (code, signal) => resolve(signal ?? (code === 0 ? undefined : `exit code ${code}`)))
  })
  for await (const line of createInterface({ input: child.stdout })) yield JSON.parse(line) as DirectoryStep
  const failure = await ended
  if (failure !== undefined) yield readerDied(part.check.path, failure)
}
