// leasefs backup: what the master knows, in one file, while it works. The bytes
// of files are not in it: those are with the chunkservers.

import { type FileHandle, link, open, rename, rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { SystemClock } from '../base/clock.js'
import { deferred } from '../base/deferred.js'
import { syncDirectory } from '../base/durable-file.js'
import { LeasefsError } from '../base/errors.js'
import { silentLog } from '../base/log.js'
import { readSnapshot } from '../master/snapshots/snapshot-file.js'
import { GrpcNetwork } from '../rpc/grpc-network.js'
import { type Address, addressText } from '../wire/address.js'
import type { BackupBegun, BackupReply } from '../wire/gen/admin.js'
import { MasterService } from '../wire/gen/services.js'
import type { ClusterId } from '../wire/ids.js'
import { backupPiecesAhead, progressPauseMs } from './limits.js'
import { type MasterOptions, masterFrom, withMasterOptions } from './master-option.js'
import { type ProgressOutput, watchProgress } from './progress.js'
import { bytesText } from './table.js'

interface Options extends MasterOptions {
  readonly force?: boolean
}

export function addBackupCommand(parent: Command): void {
  withMasterOptions(parent.command('backup'))
    .description(
      'write what the master knows (names, attributes, chunks; not what is in files) into a file, while it works',
    )
    .argument('<file>', 'it is whole when it is there; "leasefs-master --restore" takes it')
    .option('--force', 'replace a file that is there')
    .action(async (file: string, options: Options) => {
      const master = await masterFrom(options)
      const { index, bytes, clusterId } = await backUp(master, resolve(file), options.force === true)
      process.stdout.write(`${file}: cluster ${clusterId} up to record ${index}, ${bytesText(bytes)}\n`)
    })
}

async function backUp(master: Address, path: string, force: boolean): Promise<BackupBegun> {
  if (!force) await checkNew(path)
  const temporary = `${path}.new`
  const remove = () => rm(temporary, { force: true })
  const interrupted = () => void remove().finally(() => process.exit(1))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupted)
  try {
    const begun = await receiveInto(temporary, master)
    await readSnapshot(temporary, { clusterId: begun.clusterId as ClusterId })
    await publish(temporary, path, force)
    return begun
  } catch (reason) {
    await remove()
    throw fileError(path, reason)
  }
}

async function checkNew(path: string): Promise<void> {
  const file = await open(path, 'r').catch(() => undefined)
  await file?.close()
  if (file) throw alreadyThere(path)
}

function alreadyThere(path: string): LeasefsError {
  return new LeasefsError('ALREADY_EXISTS', `${path} is there already; --force replaces it`)
}

async function publish(temporary: string, path: string, force: boolean): Promise<void> {
  if (force) await rename(temporary, path)
  else {
    await link(temporary, path) // Unlike a rename it replaces nothing.
    await rm(temporary)
  }
  await syncDirectory(dirname(path))
}

/** Everything that is in the file afterwards is on the disk. */
async function receiveInto(temporary: string, master: Address): Promise<BackupBegun> {
  const file = await open(temporary, 'w', 0o600)
  try {
    const begun = await receive(file, master)
    await file.sync()
    return begun
  } finally {
    await file.close()
  }
}

async function receive(file: FileHandle, master: Address): Promise<BackupBegun> {
  const peer = new GrpcNetwork(new SystemClock(), silentLog).connect(master)
  const stream = peer.open(MasterService.backup)
  const done = deferred<BackupBegun>()
  let begun: BackupBegun | undefined
  let written = 0
  let writing: Promise<void> = Promise.resolve()

  const take = async (message: BackupReply['message']) => {
    if (message?.$case === 'begun') {
      begun = message.value
      for (let n = 0; n < backupPiecesAhead; n++) stream.send({})
      return
    }
    if (message?.$case !== 'piece' || !begun) throw new LeasefsError('INVALID_ARGUMENT', 'not what a master answers')
    await file.write(message.value, 0, message.value.length, written)
    written += message.value.length
    if (written >= begun.bytes) done.resolve(begun)
    else stream.send({})
  }
  stream.onMessage(({ message }) => {
    writing = writing.then(() => take(message)).catch(done.reject)
  })
  stream.onClose(reason => done.reject(unreachable(master, reason)))
  stream.send({})
  try {
    await Promise.all([done.promise, show(process.stderr, () => written / (begun?.bytes ?? Infinity), done.promise)])
    return await done.promise
  } finally {
    await writing
    stream.close()
    peer.close()
  }
}

/** A bar, where there is somebody to look at it. */
async function show(output: ProgressOutput, share: () => number, done: Promise<unknown>): Promise<void> {
  if (!output.isTTY) return
  let finished = false
  const end = done.then(
    () => {
      finished = true
    },
    () => {
      finished = true
    },
  )
  const look = async () => {
    const part = share()
    return { share: part, text: part > 0 ? 'received' : 'the master takes a snapshot', done: finished }
  }
  await watchProgress(look, () => Promise.race([sleep(progressPauseMs), end]), output)
}

function unreachable(master: Address, reason: LeasefsError): LeasefsError {
  if (reason.code !== 'UNAVAILABLE' && reason.code !== 'CANCELLED') return reason
  return new LeasefsError('UNAVAILABLE', `master ${addressText(master)} is not reachable`, { cause: reason })
}

function fileError(path: string, reason: unknown): LeasefsError {
  if (reason instanceof LeasefsError) return reason
  const { code, message } = reason as NodeJS.ErrnoException
  if (code === 'EEXIST') return alreadyThere(path)
  return new LeasefsError(code === 'ENOSPC' ? 'NO_SPACE' : 'IO', `cannot write ${path}: ${message}`, { cause: reason })
}
