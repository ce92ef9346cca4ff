// What is in a store's directory when it is opened: the header of every file
// is read, nothing else of it.

import { readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { LeasefsError } from '../../base/errors.js'
import type { Logger } from '../../base/log.js'
import { chunkSize } from '../../constants.js'
import type { ChunkHandle } from '../../wire/ids.js'
import {
  damagedName,
  dataStart,
  decodeHeader,
  directoryNames,
  headerSize,
  isDamagedName,
  parseFileName,
} from './chunk-format.js'
import { closeFile, diskError, fileSize, openFile, readAt, removeFile } from './disk.js'
import { scansAtOnceMax, strangersMax } from './limits.js'
import type { ReplicaRecord } from './replica-record.js'

/** @throws LeasefsError IO; NEWER_FORMAT, NOT_SUPPORTED: written by another version of leasefs, and left as it is */
export async function scanReplicas(directory: string, log: Logger): Promise<ReplicaRecord[]> {
  const records: ReplicaRecord[] = []
  const names = [...directoryNames]
  const scanSome = async () => {
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      for (const fileName of await namesIn(join(directory, name))) {
        const handle = parseFileName(name, fileName)
        const record = handle && (await readRecord(join(directory, name, fileName), handle, log))
        if (record) records.push(record)
      }
    }
  }
  await Promise.all(Array.from({ length: scansAtOnceMax }, scanSome))
  return records
}

/**
 * Files that look like replicas and are not known: those that were put there behind our back, and those that were set
 * aside as damaged. Paths relative to the directory, strangersMax at most.
 *
 * @throws LeasefsError IO
 */
export async function strangersIn(directory: string, isKnown: (handle: ChunkHandle) => boolean): Promise<string[]> {
  const look = async () => {
    const strange: string[] = []
    for (const name of directoryNames) {
      for (const fileName of await namesIn(join(directory, name))) {
        const handle = parseFileName(name, fileName)
        if (handle ? !isKnown(handle) : isDamagedName(fileName)) strange.push(`${name}/${fileName}`)
      }
    }
    return strange
  }
  // One that was about to be made or to be removed is not strange any more at the second look.
  const first = await look()
  if (first.length === 0) return first
  const second = new Set(await look())
  return first.filter(path => second.has(path)).slice(0, strangersMax)
}

/** Replicas that are known and have no file. */
export async function missingIn(directory: string, known: () => Iterable<ChunkHandle>): Promise<ChunkHandle[]> {
  const look = async () => {
    const missing = new Set(known())
    for (const name of directoryNames) {
      for (const fileName of await namesIn(join(directory, name))) {
        const handle = parseFileName(name, fileName)
        if (handle) missing.delete(handle)
      }
    }
    return missing
  }
  const first = await look()
  if (first.size === 0) return []
  // One that was being made when its directory was read is there at the second look; one that was removed is not known.
  const second = await look()
  return [...first].filter(handle => second.has(handle)).slice(0, strangersMax)
}

async function namesIn(path: string): Promise<string[]> {
  return readdir(path).catch(reason => {
    throw diskError(path, reason)
  })
}

async function readRecord(path: string, handle: ChunkHandle, log: Logger): Promise<ReplicaRecord | undefined> {
  const file = await openFile(path, 'r')
  try {
    const size = await fileSize(file)
    if (size < headerSize) return await removeUnfinished(path, log)
    const bytes = Buffer.alloc(headerSize)
    await readAt(file, bytes, 0)
    const { version, dirty, sequence } = decodeHeader(bytes, handle)
    if (version === 0) return await removeUnfinished(path, log)
    const length = Math.min(chunkSize, Math.max(0, size - dataStart))
    const record = {
      handle,
      version,
      length,
      dirty,
      doubtful: dirty,
      sequence,
      checksumsSaved: !dirty,
      entryDurable: true,
    }
    return { ...record, allocatedBytes: undefined, changedAt: undefined, lost: false }
  } catch (reason) {
    if (!(reason instanceof LeasefsError) || reason.code !== 'CORRUPT') throw reason
    log.error({ path, reason: reason.message }, 'replica set aside: its header cannot be read')
    await rename(path, damagedName(path))
    return undefined
  } finally {
    await closeFile(file)
  }
}

/** The process died while it made the replica: nobody was told of it. */
async function removeUnfinished(path: string, log: Logger): Promise<undefined> {
  log.info({ path }, 'replica removed: it was never finished')
  await removeFile(path)
}
