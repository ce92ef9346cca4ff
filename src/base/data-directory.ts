// The directory of one daemon: created if it is missing, locked while it is in
// use, and marked with what it belongs to, so that no daemon ever works on
// another's data. `identity.json` is the mark; the rest is the daemon's own.

import { mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { type Clock, SystemClock } from './clock.js'
import { type DirectoryLock, lockDirectory } from './directory-lock.js'
import { replaceFile, syncDirectory } from './durable-file.js'
import { LeasefsError } from './errors.js'
import { type Random, SystemRandom } from './random.js'

export type DataDirectoryKind = 'master' | 'chunkserver'

export interface Identity {
  readonly kind: DataDirectoryKind
  /** Of everything in the directory. */
  readonly formatVersion: number
  /** Absent until the daemon has made one (master) or been told (chunkserver). */
  readonly clusterId?: string
  /** Of a chunkserver. */
  readonly serverId?: string
  /** Of a chunkserver: how far the records of its master went. */
  readonly masterSeen?: { readonly epoch: number; readonly id: string; readonly index: number }
}

export interface DataDirectory {
  /** Absolute. */
  readonly path: string

  readonly identity: Identity

  /** Adds to the identity, durably. One call at a time. */
  update(changes: Partial<Pick<Identity, 'clusterId' | 'serverId' | 'masterSeen'>>): Promise<void>

  /** Unlocks. Idempotent; call it last. */
  close(): Promise<void>
}

export interface DataDirectoryOptions {
  /** The newest format this program knows, and the format of a new directory. */
  readonly formatVersion: number
  readonly clock?: Clock
  readonly random?: Random
}

const identityFile = 'identity.json'

/** What may stand in a directory that is not ours yet: our own lock, and what mkfs leaves. */
const harmless = new Set(['lock', `${identityFile}.tmp`, 'lost+found'])

/**
 * Opens the directory of a daemon, and makes it (0700, with parents) if it is missing.
 *
 * @throws LeasefsError LOCKED, NEWER_FORMAT, INVALID_ARGUMENT (it belongs to a daemon of another kind, or
 * holds files that are not ours), PERMISSION_DENIED, READ_ONLY, NOT_A_DIRECTORY, NO_SPACE, CORRUPT, IO
 */
export async function openDataDirectory(
  path: string,
  kind: DataDirectoryKind,
  { formatVersion, clock = new SystemClock(), random = new SystemRandom() }: DataDirectoryOptions,
): Promise<DataDirectory> {
  const absolute = resolve(path)
  let lock: DirectoryLock | undefined
  try {
    const created = await mkdir(absolute, { mode: 0o700, recursive: true })
    await checkBelongsToUs(absolute)
    lock = await lockDirectory(absolute, clock, random)
    const text = await readIfThere(join(absolute, identityFile))
    const identity =
      text === undefined
        ? await writeIdentity(absolute, { kind, formatVersion })
        : parseIdentity(absolute, text, kind, formatVersion)
    if (created) await syncDirectory(dirname(created))
    return new OpenDataDirectory(absolute, identity, lock)
  } catch (reason) {
    await lock?.release()
    throw diskError(absolute, reason)
  }
}

class OpenDataDirectory implements DataDirectory {
  readonly path: string
  readonly #lock: DirectoryLock
  #identity: Identity

  constructor(path: string, identity: Identity, lock: DirectoryLock) {
    this.path = path
    this.#identity = identity
    this.#lock = lock
  }

  get identity(): Identity {
    return this.#identity
  }

  async update(changes: Partial<Pick<Identity, 'clusterId' | 'serverId' | 'masterSeen'>>): Promise<void> {
    const identity = { ...this.#identity, ...changes }
    await writeIdentity(this.path, identity).catch(reason => {
      throw diskError(this.path, reason)
    })
    this.#identity = identity
  }

  async close(): Promise<void> {
    await this.#lock.release()
  }
}

/** Before anything is written: a directory with other people's files in it is a slip of the pen. */
async function checkBelongsToUs(path: string): Promise<void> {
  if (!(await stat(path)).isDirectory()) throw new LeasefsError('NOT_A_DIRECTORY', `${path} is not a directory`)
  const names = await readdir(path)
  if (names.includes(identityFile) || names.every(name => harmless.has(name))) return
  throw new LeasefsError('INVALID_ARGUMENT', `${path} is not empty and is not a data directory of leasefs`)
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (reason) {
    if ((reason as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw reason
  }
}

function parseIdentity(path: string, text: string, kind: DataDirectoryKind, newest: number): Identity {
  try {
    return checkIdentity(path, JSON.parse(text), kind, newest)
  } catch (reason) {
    if (!(reason instanceof SyntaxError)) throw reason
    throw new LeasefsError('CORRUPT', `${join(path, identityFile)} is damaged: it is not JSON`, { cause: reason })
  }
}

/** The format first: a newer one may say the rest in another way. */
function checkIdentity(path: string, identity: unknown, kind: DataDirectoryKind, newest: number): Identity {
  const fields: Partial<Record<keyof Identity, unknown>> = identity instanceof Object ? identity : {}
  const isText = (field: unknown) => field === undefined || typeof field === 'string'
  const { formatVersion } = fields
  if (typeof formatVersion === 'number' && formatVersion > newest) {
    const formats = `format ${formatVersion}, and this program knows formats up to ${newest}`
    throw new LeasefsError('NEWER_FORMAT', `${path} was written by a newer leasefs (${formats})`)
  }
  const texts = isText(fields.clusterId) && isText(fields.serverId)
  if (!Number.isSafeInteger(formatVersion) || !texts || !isSeen(fields.masterSeen)) {
    throw new LeasefsError('CORRUPT', `${join(path, identityFile)} is damaged: fields are missing or wrong`)
  }
  if (fields.kind !== kind) {
    throw new LeasefsError('INVALID_ARGUMENT', `${path} is the data directory of a ${fields.kind}, not of a ${kind}`)
  }
  return fields as Identity
}

function isSeen(seen: unknown): boolean {
  if (seen === undefined) return true
  const { epoch, id, index }: Record<string, unknown> = seen instanceof Object ? { ...seen } : {}
  return typeof id === 'string' && [epoch, index].every(Number.isSafeInteger)
}

async function writeIdentity(path: string, identity: Identity): Promise<Identity> {
  await replaceFile(join(path, identityFile), `${JSON.stringify(identity, undefined, 2)}\n`)
  return identity
}

function diskError(path: string, reason: unknown): LeasefsError {
  if (reason instanceof LeasefsError) return reason
  const { code, message } = reason as NodeJS.ErrnoException
  const say = (ours: LeasefsError['code'], what: string) =>
    new LeasefsError(ours, `data directory ${path} ${what}`, { cause: reason })
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return say('PERMISSION_DENIED', 'is not readable and writable for this user')
    case 'EROFS':
      return say('READ_ONLY', 'is on a read-only file system')
    case 'ENOTDIR':
    case 'EEXIST':
      return say('NOT_A_DIRECTORY', 'is not a directory')
    case 'ENOSPC':
    case 'EDQUOT':
      return say('NO_SPACE', 'has no space left')
    default:
      return say('IO', `cannot be used: ${message}`)
  }
}
