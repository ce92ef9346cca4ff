// The master's operations on names and attributes, as typed calls that use and
// fill the cache. Each answer changes the cache at the moment it arrives (in
// `absorb`), so that the cache and the invalidations on the same stream never
// cross.

import { LeasefsError } from '../base/errors.js'
import type { ChunkUsage, Attributes as WireAttributes } from '../wire/gen/common.js'
import type { Ino } from '../wire/ids.js'
import { attributesFromWire, fileTypeOf } from './attributes.js'
import type {
  AttributeChanges,
  Attributes,
  Caused,
  Deleter,
  FileKind,
  Name,
  NewInode,
  Statistics,
  Timestamp,
  XattrOptions,
} from './file-system.js'
import { MetadataCache } from './metadata-cache.js'
import type { Answer, Operation, Result } from './requests.js'
import type { Session } from './session.js'

type Case = Result['$case']
type ValueOf<C extends Case> = Extract<Result, { $case: C }>['value']

export class Metadata {
  readonly cache = new MetadataCache()
  readonly #session: Session
  readonly #abandonedOpen: (ino: Ino) => void

  /** `abandonedOpen` hears of an inode that the master has opened for someone who has stopped waiting for it. */
  constructor(session: Session, abandonedOpen: (ino: Ino) => void) {
    this.#session = session
    this.#abandonedOpen = abandonedOpen
  }

  /** The cache while it may be used. */
  get known(): MetadataCache | undefined {
    return this.#session.mayUseCaches ? this.cache : undefined
  }

  async lookup(parent: Ino, name: Name): Promise<Attributes> {
    const known = this.known?.entry(parent, name)
    if (known === 'absent') throw noEntry(name)
    const attributes = known && this.known?.attributes(known)
    if (attributes) return attributes
    if (known) {
      const found = await this.getAttributes(known).catch(gone)
      if (found) return found
    }
    return this.#ask('attributes', { $case: 'lookup', value: { parent, name } }, answer =>
      this.#absorbLookup(parent, name, answer),
    ).then(attributesFromWire)
  }

  /** Walks from `base` on. What is known is walked here, the rest by the master in one question. */
  async resolve(base: Ino, names: readonly Name[]): Promise<readonly Attributes[]> {
    const steps = this.#walkKnown(base, names)
    if (steps.length === names.length) return steps
    const from = steps.at(-1)?.ino ?? base
    const rest = names.slice(steps.length)
    const { steps: found, stopped } = await this.#ask(
      'resolved',
      { $case: 'resolve', value: { base: from, names: [...rest] } },
      answer => this.#absorbResolved(from, rest, answer),
    )
    if (stopped || found.length !== rest.length) throw stoppedWalk(stopped?.code, rest[found.length])
    return [...steps, ...found.map(attributesFromWire)]
  }

  async getAttributes(ino: Ino): Promise<Attributes> {
    const known = this.known?.attributes(ino)
    if (known) return known
    return this.#attributesOf({ $case: 'getAttributes', value: { ino } }, ino)
  }

  /** As the master has them now, and whether another session has the inode open. */
  async getOpens(ino: Ino): Promise<{ readonly attributes: Attributes; readonly openElsewhere: boolean }> {
    let openElsewhere = false
    const operation: Operation = { $case: 'getAttributes', value: { ino, opens: true } }
    const attributes = await this.#attributesOf(operation, ino, ({ result }) => {
      if (result?.$case === 'attributes') openElsewhere = result.value.openElsewhere === true
    })
    return { attributes, openElsewhere }
  }

  /** `usage` is of the chunk that was cut for a smaller size. */
  setAttributes(
    ino: Ino,
    { atime, mtime, killPrivileges = false, ...changes }: AttributeChanges,
    usage: readonly ChunkUsage[] = [],
  ): Promise<Attributes> {
    const value = {
      ...changes,
      ino,
      killPrivileges,
      usage: [...usage],
      atime: atime === 'now' ? undefined : atime,
      mtime: mtime === 'now' ? undefined : mtime,
      atimeNow: atime === 'now',
      mtimeNow: mtime === 'now',
    }
    const { mode, uid, gid } = changes
    const changesXattrs = killPrivileges || mode !== undefined || uid !== undefined || gid !== undefined
    return this.#attributesOf({ $case: 'setAttributes', value }, ino, () => {
      if (changesXattrs) this.cache.xattrs.drop(ino) // Rights that are kept there may have gone with it.
    })
  }

  /** The file was read at this time. */
  async accessed(ino: Ino, atime: Timestamp): Promise<void> {
    await this.#ask('done', { $case: 'accessed', value: { ino, atime } }, () => this.cache.ageAttributes(ino))
  }

  open(ino: Ino): Promise<Attributes> {
    return this.#attributesOf({ $case: 'open', value: { ino } }, ino, ({ failure, awaited }) => {
      if (!failure && !awaited) this.#abandonedOpen(ino)
    })
  }

  /** At most closesAtOnceMax. */
  async close(inos: readonly Ino[]): Promise<void> {
    await this.#ask('done', { $case: 'close', value: { inos: [...inos] } })
  }

  /** The file is at least so long; `usage` is of the chunks that were changed. */
  written(
    ino: Ino,
    size: number,
    mtime: Timestamp | undefined,
    usage: readonly ChunkUsage[] = [],
  ): Promise<Attributes> {
    return this.#attributesOf({ $case: 'written', value: { ino, size, mtime, usage: [...usage] } }, ino)
  }

  async syncInode(ino: Ino): Promise<void> {
    await this.#ask('done', { $case: 'syncInode', value: { ino } })
  }

  /** With `open`, a regular file is also opened for this session. */
  async make(
    parent: Ino,
    name: Name,
    kind: FileKind,
    { mode, uid, gid, cause }: NewInode,
    more: { rdev?: number; target?: Buffer; exclusive: boolean; open?: boolean },
  ): Promise<Attributes> {
    const value = {
      parent,
      name,
      type: fileTypeOf(kind),
      mode,
      uid,
      gid,
      rdev: more.rdev ?? 0,
      symlinkTarget: more.target ?? Buffer.alloc(0),
      exclusive: more.exclusive,
      open: more.open ?? false,
    }
    // If it was known not to be there, and nobody has made it meanwhile, we have.
    const isNew = more.exclusive || this.known?.entry(parent, name) === 'absent'
    const absorb = (answer: Answer) => {
      this.#absorbEntry(parent, name, answer)
      this.#directoryChanged(parent)
      if (kind === 'directory' && answer.mayKeep && answer.result?.$case === 'attributes') {
        this.cache.beginComplete(answer.result.value.ino as Ino)
      }
      if (isNew && answer.mayKeep && answer.result?.$case === 'attributes') {
        this.cache.xattrs.putNames(answer.result.value.ino as Ino, [])
      }
      if (value.open && !answer.awaited && answer.result?.$case === 'attributes') {
        this.#abandonedOpen(answer.result.value.ino as Ino)
      }
    }
    return attributesFromWire(await this.#ask('attributes', { $case: 'make', value }, absorb, cause))
  }

  async link(ino: Ino, parent: Ino, name: Name, { cause }: Caused = {}): Promise<Attributes> {
    const absorb = (answer: Answer) => {
      this.#absorbEntry(parent, name, answer)
      this.#directoryChanged(parent)
    }
    const value = { ino, parent, name }
    return attributesFromWire(await this.#ask('attributes', { $case: 'link', value }, absorb, cause))
  }

  async remove(parent: Ino, name: Name, what: 'unlink' | 'removeDirectory', by: Deleter = {}): Promise<void> {
    const { ino } = await this.lookup(parent, name)
    const value = { parent, name }
    const operation: Operation =
      what === 'unlink' ? { $case: what, value: { ...value, uid: by.uid } } : { $case: what, value }
    const absorb = ({ failure, mayKeep }: Answer) => {
      if (failure || !mayKeep) this.cache.dropEntry(parent, name)
      else this.cache.putEntry(parent, name, 'absent')
      this.cache.dropAttributes(ino)
      this.#directoryChanged(parent)
    }
    await this.#ask('done', operation, absorb, by.cause)
  }

  async rename(
    parent: Ino,
    name: Name,
    newParent: Ino,
    newName: Name,
    options: { readonly noReplace?: boolean; readonly exchange?: boolean } & Deleter = {},
  ): Promise<void> {
    const source = await this.lookup(parent, name)
    const target = await this.lookup(newParent, newName).catch(gone)
    const { noReplace = false, exchange = false, uid, cause } = options
    const value = { parent, name, newParent, newName, noReplace, exchange, uid }
    const absorb = ({ failure, mayKeep }: Answer) => {
      if (!failure && mayKeep && !exchange && source.ino !== target?.ino) {
        this.cache.putEntry(parent, name, 'absent')
        this.cache.putEntry(newParent, newName, source.ino)
      } else {
        this.cache.dropEntry(parent, name)
        this.cache.dropEntry(newParent, newName)
      }
      for (const moved of [source, target]) {
        if (!moved) continue
        this.cache.dropAttributes(moved.ino)
        this.cache.dropListing(moved.ino) // It names its parent.
      }
      this.#directoryChanged(parent)
      this.#directoryChanged(newParent)
    }
    await this.#ask('done', { $case: 'rename', value }, absorb, cause)
  }

  async readSymlink(ino: Ino): Promise<Buffer> {
    const known = this.known?.symlink(ino)
    if (known) return known
    return this.#ask('value', { $case: 'readLink', value: { ino } }, ({ result, mayKeep }) => {
      if (mayKeep && result?.$case === 'value') this.cache.putSymlink(ino, result.value)
    })
  }

  /** @throws LeasefsError NO_ATTRIBUTE */
  async getXattr(ino: Ino, name: Name): Promise<Buffer> {
    const known = this.known?.xattrs.value(ino, name)
    if (known === 'absent') throw new LeasefsError('NO_ATTRIBUTE', `inode ${ino} has no attribute "${name}"`)
    if (known) return known
    return this.#ask('value', { $case: 'getXattr', value: { ino, name } }, ({ result, failure, mayKeep }) => {
      if (!mayKeep) return
      if (result?.$case === 'value') this.cache.xattrs.putValue(ino, name, result.value)
      else if (failure?.code === 'NO_ATTRIBUTE') this.cache.xattrs.putValue(ino, name, 'absent')
    })
  }

  async setXattr(ino: Ino, name: Name, value: Buffer, options: XattrOptions = {}): Promise<void> {
    const { createOnly = false, replaceOnly = false, cause } = options
    const asked = { ino, name, value, createOnly, replaceOnly }
    await this.#ask('done', { $case: 'setXattr', value: asked }, () => this.#xattrsChanged(ino), cause)
  }

  async listXattrs(ino: Ino): Promise<readonly Name[]> {
    const known = this.known?.xattrs.names(ino)
    if (known) return known
    const { names } = await this.#ask('names', { $case: 'listXattrs', value: { ino } }, ({ result, mayKeep }) => {
      if (mayKeep && result?.$case === 'names') this.cache.xattrs.putNames(ino, result.value.names)
    })
    return names
  }

  async removeXattr(ino: Ino, name: Name, { cause }: Caused = {}): Promise<void> {
    await this.#ask('done', { $case: 'removeXattr', value: { ino, name } }, () => this.#xattrsChanged(ino), cause)
  }

  async statistics(): Promise<Statistics> {
    const { totalBytes, freeBytes, inodes, goal } = await this.#ask('statistics', { $case: 'statFs', value: {} })
    const copies = Math.max(1, goal)
    return { totalBytes: Math.floor(totalBytes / copies), freeBytes: Math.floor(freeBytes / copies), inodes }
  }

  /** One page of a directory; its attributes and entries are kept, and the listing if the page is all of it. */
  readDirectoryPage(ino: Ino, after: Name, countMax: number): Promise<ValueOf<'directory'>> {
    return this.#ask(
      'directory',
      { $case: 'readDirectory', value: { ino, after, countMax } },
      ({ result, mayKeep }) => {
        if (!mayKeep || result?.$case !== 'directory') return
        const { entries, more, parent } = result.value
        const isWhole = after.length === 0 && !more
        if (isWhole) this.cache.beginComplete(ino)
        for (const { name, attributes } of entries) this.#keep(ino, name, attributes)
        if (!isWhole) return
        const listed = entries.map(({ name, attributes }) => ({ name, attributes: attributesFromWire(attributes) }))
        this.cache.putListing(ino, { entries: listed, parent: parent as Ino })
      },
    )
  }

  /** Asks, and checks that the answer is of the kind that was asked for. */
  async #ask<C extends Case>(
    $case: C,
    operation: Operation,
    absorb?: (answer: Answer) => void,
    cause?: number,
  ): Promise<ValueOf<C>> {
    const keep = (answer: Answer) => {
      absorb?.(answer)
      // After what the operation itself says of them: that they have changed.
      if (answer.mayKeep) for (const wire of answer.changed) this.cache.putAttributes(attributesFromWire(wire))
    }
    const result = await this.#session.request(operation, keep, cause)
    if (result.$case === $case) return result.value as ValueOf<C>
    throw new LeasefsError('INTERNAL', `${operation.$case}: the master answered with ${result.$case}`)
  }

  async #attributesOf(operation: Operation, ino: Ino, absorb?: (answer: Answer) => void): Promise<Attributes> {
    const wire = await this.#ask('attributes', operation, answer => {
      const { result, failure, mayKeep } = answer
      if (failure?.code === 'NOT_FOUND') this.cache.drop(ino)
      else if (mayKeep && result?.$case === 'attributes') this.cache.putAttributes(attributesFromWire(result.value))
      else this.cache.ageAttributes(ino)
      absorb?.(answer)
    })
    return attributesFromWire(wire)
  }

  #absorbEntry(parent: Ino, name: Name, { result, mayKeep }: Answer): void {
    if (mayKeep && result?.$case === 'attributes') this.#keep(parent, name, result.value)
    else this.cache.dropEntry(parent, name)
  }

  #absorbLookup(parent: Ino, name: Name, answer: Answer): void {
    this.#absorbEntry(parent, name, answer)
    if (answer.mayKeep && answer.failure?.code === 'NOT_FOUND') this.cache.putEntry(parent, name, 'absent')
  }

  #absorbResolved(base: Ino, names: readonly Name[], { result, mayKeep }: Answer): void {
    if (!mayKeep || result?.$case !== 'resolved') return
    let parent = base
    const { steps, stopped } = result.value
    for (const [index, step] of steps.entries()) {
      const name = names[index]
      if (!name) return
      this.#keep(parent, name, step)
      parent = step.ino as Ino
    }
    const missing = names[steps.length]
    if (missing && stopped?.code === 'NOT_FOUND') this.cache.putEntry(parent, missing, 'absent')
  }

  #keep(parent: Ino, name: Name, wire: WireAttributes | undefined): void {
    const attributes = attributesFromWire(wire)
    this.cache.putAttributes(attributes)
    this.cache.putEntry(parent, name, attributes.ino)
  }

  #xattrsChanged(ino: Ino): void {
    this.cache.ageAttributes(ino)
    this.cache.xattrs.drop(ino)
  }

  #directoryChanged(ino: Ino): void {
    this.cache.ageAttributes(ino)
    this.cache.dropListing(ino)
  }

  /** The steps that the cache knows. Only the last of a whole walk must be current; before it the way is enough. */
  #walkKnown(base: Ino, names: readonly Name[]): Attributes[] {
    const steps: Attributes[] = []
    const known = this.known
    let parent = base
    for (const name of names) {
      const ino = known?.entry(parent, name)
      if (ino === 'absent') throw noEntry(name)
      const last = steps.length === names.length - 1
      const attributes = ino && (last ? known?.attributes(ino) : known?.agedAttributes(ino))
      if (!attributes) break
      steps.push(attributes)
      parent = attributes.ino
    }
    return steps
  }
}

function noEntry(name: Name): LeasefsError {
  return new LeasefsError('NOT_FOUND', `no entry "${name.toString()}"`)
}

function stoppedWalk(code: string | undefined, name: Name | undefined): LeasefsError {
  const where = `"${name?.toString() ?? ''}"`
  if (code === 'NOT_A_DIRECTORY')
    return new LeasefsError('NOT_A_DIRECTORY', `${where} is below something that is no directory`)
  if (code === 'NOT_FOUND') return new LeasefsError('NOT_FOUND', `no entry ${where}`)
  return new LeasefsError('INTERNAL', `the master stopped the walk at ${where} without a reason`)
}

/** For lookups whose failure means only that the thing is not there. */
function gone(reason: unknown): undefined {
  if (reason instanceof LeasefsError && reason.code === 'NOT_FOUND') return undefined
  throw reason
}
