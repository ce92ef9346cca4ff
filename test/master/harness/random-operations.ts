// A stream of operations from one seed, most of them possible, on a few names
// so that they meet: for tests that compare states.

import { LeasefsError } from '../../../src/base/errors.js'
import type { SeededRandom } from '../../../src/base/random.js'
import { chunkSize } from '../../../src/constants.js'
import { checkAllocate, checkRaise, checkSettle } from '../../../src/master/ops/chunks.js'
import { checkPurge } from '../../../src/master/ops/purge.js'
import type { Operation } from '../../../src/master/ops/read.js'
import { trashName } from '../../../src/master/ops/trash.js'
import { type ChunkUsage, LockKind, LockType } from '../../../src/wire/gen/common.js'
import type { ChunkHandle, Ino } from '../../../src/wire/ids.js'
import { setLock } from './client.js'
import { DIRECTORY, type Namespace, root, SYMLINK } from './namespace.js'

export class RandomOperations {
  readonly #namespace: Namespace
  readonly #random: SeededRandom
  readonly #sessions: number[] = [1]

  constructor(namespace: Namespace, random: SeededRandom) {
    this.#namespace = namespace
    this.#random = random
  }

  /** Does one; false if it was refused. A refusal that is no file system's answer is thrown. */
  async step(): Promise<boolean> {
    try {
      await this.#pick(this.#operations())()
      return true
    } catch (reason) {
      if (reason instanceof LeasefsError && reason.code !== 'CORRUPT') return false
      throw reason
    }
  }

  #operations(): (() => Promise<unknown>)[] {
    const fs = this.#namespace
    const xattr = () => ({ ino: this.#ino(), name: Buffer.from(`user.${this.#below(3)}`) })
    return [
      () => fs.make(this.#directory(), this.#name(), { open: this.#below(3) === 0, exclusive: false }, this.#session()),
      () => fs.make(this.#directory(), this.#name(), { type: DIRECTORY }),
      () => fs.make(this.#directory(), this.#name(), { type: SYMLINK, symlinkTarget: Buffer.from(this.#name()) }),
      () => fs.link(this.#ino(), this.#directory(), this.#name()),
      () => fs.unlink(this.#directory(), this.#name()),
      () => fs.removeDirectory(this.#directory(), this.#name()),
      () => fs.rename(this.#place(), this.#place()),
      () => fs.rename(this.#place(), this.#place(), { exchange: true }),
      () => fs.setAttributes(this.#ino(), { mode: this.#below(0o10000) }),
      () => fs.setAttributes(this.#ino(), { size: this.#below(4) * chunkSize + this.#below(2), usage: this.#usage() }),
      () => fs.setAttributes(this.#ino(), { killPrivileges: true }),
      () => fs.change({ $case: 'accessed', value: { ino: this.#ino(), atime: { seconds: this.#below(9), nanos: 0 } } }),
      () => fs.change(this.#lock(), this.#session()),
      () => fs.change(this.#lock(), this.#session()),
      () =>
        fs.change({
          $case: 'written',
          value: { ino: this.#ino(), size: this.#below(5) * chunkSize, mtime: undefined, usage: this.#usage() },
        }),
      () =>
        fs.change({
          $case: 'setXattr',
          value: { ...xattr(), value: Buffer.from('v'), createOnly: false, replaceOnly: false },
        }),
      () => fs.change({ $case: 'removeXattr', value: xattr() }),
      () => fs.open(this.#ino(), this.#session()),
      () => fs.close(this.#ino(), this.#session()),
      () => fs.submit(state => checkAllocate(state, this.#ino(), [{ index: this.#below(5), replicaCount: 3 }])),
      () => this.#restore(),
      () => fs.submit(state => checkPurge(state, this.#trashed().slice(0, 2))),
      () => this.#raise(),
      () => this.#replaceSession(),
      () => fs.clock.advance(this.#below(1000)),
    ]
  }

  #lock(): Operation {
    const type = this.#pick([LockType.UNLOCKED, LockType.SHARED, LockType.EXCLUSIVE])
    const start = this.#below(8)
    const end = this.#below(2) * (start + 1 + this.#below(4))
    return setLock(this.#ino(), this.#name(), type, { kind: this.#pick([LockKind.POSIX, LockKind.FLOCK]), start, end })
  }

  #usage(): ChunkUsage[] {
    const { nextHandle } = this.#namespace.state.meta.current
    return Array.from({ length: this.#below(3) }, () => ({
      ...{ index: 0, handle: 1 + this.#below(nextHandle), leaseId: this.#below(5) },
      ...{ serial: this.#below(5), allocatedBytes: this.#below(chunkSize) },
    }))
  }

  #trashed(): Ino[] {
    return this.#namespace.state.trash.page(undefined, 100).map(({ ino }) => ino)
  }

  async #restore(): Promise<void> {
    const ino = this.#pick(this.#trashed())
    const { trash } = this.#namespace.state.inodes.find(ino) ?? {}
    if (!trash) return
    await this.#namespace.rename([trash.directory, String(trashName(ino, trash.path))], this.#place())
  }

  async #raise(): Promise<void> {
    const [chunk] = this.#namespace.state.chunks.all()
    if (!chunk) return
    const { handle, version } = chunk as { handle: ChunkHandle; version: number }
    await this.#namespace.submit(state => checkRaise(state, handle, version, 2))
    await this.#namespace.submit(state => checkSettle(state, handle, version + 1))
  }

  async #replaceSession(): Promise<void> {
    this.#sessions.push(await this.#namespace.startSession())
    const ended = this.#sessions.length > 3 ? this.#sessions.splice(1, 1) : []
    for (const id of ended) await this.#namespace.endSession(id)
  }

  #below(limit: number): number {
    return Math.floor(this.#random.next() * limit)
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#below(items.length)] as T
  }

  #name(): string {
    return this.#pick(['a', 'b', 'c', 'd'])
  }

  #session(): number {
    return this.#pick(this.#sessions)
  }

  #ino(): Ino {
    return (1 + this.#below(this.#namespace.state.meta.current.nextIno)) as Ino
  }

  #directory(): number {
    const ino = this.#ino()
    return this.#namespace.state.inodes.find(ino)?.attributes.type === DIRECTORY ? ino : root
  }

  #place(): readonly [number, string] {
    return [this.#directory(), this.#name()]
  }
}
