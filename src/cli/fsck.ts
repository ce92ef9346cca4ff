// leasefs fsck: checks a cluster. The master does it and says what it finds;
// Ctrl-C ends the check. The exit code is that of fsck(8).

import type { Command } from 'commander'
import { SystemClock } from '../base/clock.js'
import { errorCodeOf, LeasefsError } from '../base/errors.js'
import { silentLog } from '../base/log.js'
import { GrpcNetwork } from '../rpc/grpc-network.js'
import { type Address, addressText } from '../wire/address.js'
import { type FsckDone, type FsckFinding, FsckOutcome, type FsckProgress, type FsckRequest } from '../wire/gen/admin.js'
import { MasterService } from '../wire/gen/services.js'
import { handleText } from '../wire/ids.js'
import { type MasterOptions, masterFrom, withMasterOptions } from './master-option.js'
import { report } from './program.js'
import { ProgressLine, type ProgressOutput } from './progress.js'
import { bytesText } from './table.js'

interface Options extends MasterOptions {
  readonly deep?: boolean
  readonly repair?: boolean
  readonly json?: boolean
}

/** Added up, as fsck(8) has them. */
export const exitCodes = { repaired: 1, left: 4, failed: 8, cancelled: 32 } as const

const signals = ['SIGINT', 'SIGTERM'] as const

const help = `
Exit code, the sum of: 0 nothing is wrong, 1 something was and has been repaired, 4 something is left, 8 the check
could not be made or does not say everything (a server is away, a chunk was being written to), 32 ended by Ctrl-C.`

export function addFsckCommand(parent: Command): void {
  withMasterOptions(parent.command('fsck'))
    .description('check names, records and replicas against one another and against what chunkservers have')
    .option('--deep', 'read all replicas of all chunks, and compare them block by block')
    .option('--repair', 'put right what can be put right without losing anything')
    .option('--json', 'for programs: one object, at the end')
    .addHelpText('after', help)
    .action(async (options: Options) => {
      const { deep = false, repair = false, json = false } = options
      process.exitCode = await fsck(options, { deep, repair, missingOnly: false }, json)
    })
}

async function fsck(options: Options, request: FsckRequest, json: boolean): Promise<number> {
  try {
    const checked = await askFsck(await masterFrom(options), request, json ? undefined : process.stderr)
    process.stdout.write(`${json ? fsckJson(checked) : fsckText(checked)}\n`)
    return exitCodeOf(checked.done)
  } catch (reason) {
    report('leasefs', reason)
    return reason instanceof LeasefsError && reason.code === 'CANCELLED' ? exitCodes.cancelled : exitCodes.failed
  }
}

export interface Checked {
  readonly findings: readonly FsckFinding[]
  readonly done: FsckDone
}

/**
 * Has the master check. `output` shows how far it is, if it is a terminal. SIGINT and SIGTERM end the check.
 *
 * @throws LeasefsError what the master says; UNAVAILABLE: it cannot be reached, or was lost; CANCELLED: by a signal
 */
export async function askFsck(
  master: Address,
  request: FsckRequest,
  output: ProgressOutput | undefined,
): Promise<Checked> {
  const peer = new GrpcNetwork(new SystemClock(), silentLog).connect(master)
  const findings: FsckFinding[] = []
  const line = output?.isTTY ? new ProgressLine(output) : undefined
  let interrupt = () => {}
  try {
    const done = await new Promise<FsckDone>((resolve, reject) => {
      const stream = peer.open(MasterService.fsck)
      interrupt = () => {
        reject(new LeasefsError('CANCELLED', 'the check was ended'))
        stream.close()
      }
      for (const signal of signals) process.once(signal, interrupt)
      stream.onMessage(({ message }) => {
        if (message?.$case === 'progress') line?.show(progressOf(message.value))
        else if (message?.$case === 'finding') findings.push(message.value)
        else if (message?.$case === 'done') resolve(message.value)
      })
      stream.onClose(reason => {
        const text = `master ${addressText(master)} is not reachable`
        reject(reason.code === 'UNAVAILABLE' ? new LeasefsError('UNAVAILABLE', text, { cause: reason }) : reason)
      })
      stream.send(request)
    })
    if (done.failure) throw new LeasefsError(errorCodeOf(done.failure.code), done.failure.message)
    return { findings, done }
  } finally {
    for (const signal of signals) process.off(signal, interrupt)
    line?.end()
    peer.close()
  }
}

export function exitCodeOf({ left, repaired, incomplete }: FsckDone): number {
  return (
    (repaired > 0 ? exitCodes.repaired : 0) +
    (left > 0 ? exitCodes.left : 0) +
    (incomplete.length > 0 ? exitCodes.failed : 0)
  )
}

export function fsckJson({ findings, done }: Checked): string {
  const { left, repaired, notices, incomplete, inodes, chunks, replicas, bytes, kinds } = done
  const plain = findings.map(({ kind, text, ino, handle, path, serverId, outcome, repair }) => ({
    ...{ kind, text, outcome: outcomeText(outcome) },
    ...(ino > 0 && { ino }),
    ...(path.length > 0 && { path: String(path) }),
    ...(handle > 0 && { handle: handleText(handle) }),
    ...(serverId !== '' && { serverId }),
    ...(repair !== '' && { repair }),
  }))
  const notListed = left + repaired + notices - findings.length
  const counts = Object.fromEntries(kinds.map(({ kind, count }) => [kind, count]))
  const looked = { inodes, chunks, replicas, bytes }
  const result = { exitCode: exitCodeOf(done), left, repaired, notices, incomplete, looked, counts, notListed }
  return JSON.stringify({ ...result, findings: plain }, undefined, 2)
}

export function fsckText({ findings, done }: Checked): string {
  const { left, repaired, notices, incomplete, inodes, chunks, replicas, bytes } = done
  const notListed = left + repaired + notices - findings.length
  const read = bytes > 0 ? `, ${bytesText(bytes)} read and compared` : ''
  const lines = [
    ...findings.map(findingLine),
    ...(notListed > 0 ? [`... and ${notListed} more`] : []),
    ...incomplete.map(why => `incomplete: ${why}`),
    `looked at: ${inodes} inodes, ${chunks} chunks, ${replicas} replicas${read}`,
    verdict(left, repaired, notices),
  ]
  return lines.join('\n')
}

function findingLine({ kind, text, path, outcome, repair }: FsckFinding): string {
  const of = path.length > 0 ? ` [${path}]` : ''
  const done = outcome === FsckOutcome.FSCK_REPAIRED ? `; repaired: ${repair}` : ''
  const could = outcome === FsckOutcome.FSCK_LEFT && repair !== '' ? `; --repair would ${repair}` : ''
  return `${outcome === FsckOutcome.FSCK_NOTICE ? 'note: ' : ''}${kind}: ${text}${of}${done}${could}`
}

function verdict(left: number, repaired: number, notices: number): string {
  const noted = notices > 0 ? ` (${notices} notes: they go away by themselves)` : ''
  if (left === 0 && repaired === 0) return `nothing is wrong${noted}`
  return `${repaired} repaired, ${left} left${noted}`
}

function outcomeText(outcome: FsckOutcome): string {
  if (outcome === FsckOutcome.FSCK_NOTICE) return 'notice'
  return outcome === FsckOutcome.FSCK_REPAIRED ? 'repaired' : 'left'
}

function progressOf({ text, share }: FsckProgress) {
  return { share, text, done: false }
}
