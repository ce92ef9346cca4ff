// A ChunkStore in one directory of the machine's file system: one sparse file
// a replica. docs/FORMAT.md, "Replicas"; DiskStore is the index of what is
// there, replica-file.ts has the life of one file.
//
// A server with several directories has one DiskStore for each.

import { mkdir, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../base/clock.js'
import { syncDirectory } from '../../base/durable-file.js'
import { LeasefsError } from '../../base/errors.js'
import type { Logger } from '../../base/log.js'
import { type ChunkHandle, handleText } from '../../wire/ids.js'
import { directoryNames, probeName, replicaPath } from './chunk-format.js'
import type {
  ChunkStore,
  Inspected,
  StoredBytes,
  StoredChecksums,
  StoredExtents,
  StoredReplica,
  StoreSpace,
} from './chunk-store.js'
import { Cleaner } from './cleaner.js'
import { DirectReads } from './direct-reads.js'
import { closeFile, diskError, openFile, removeFile, syncFileData, writeAt } from './disk.js'
import { openFilesMax, probeSize } from './limits.js'
import { OpenFiles } from './open-files.js'
import { HolePuncher } from './punch-hole.js'
import { type FileContext, ReplicaFile } from './replica-file.js'
import type { ReplicaRecord } from './replica-record.js'
import { missingIn, scanReplicas, strangersIn } from './scan.js'

export interface DiskStoreOptions {
  /** Made if it is missing. Nobody else uses it: the data directory's lock sees to that. */
  readonly directory: string
  readonly clock: Clock
  readonly log: Logger
  /** For tests. */
  readonly openFilesMax?: number
  readonly punchProgram?: string
}

export class DiskStore implements ChunkStore {
  readonly #directory: string
  readonly #context: FileContext
  readonly #records: Map<ChunkHandle, ReplicaRecord>
  readonly #files: OpenFiles
  readonly #cleaner: Cleaner
  readonly #creating = new Set<ChunkHandle>()
  #closed: Promise<void> | undefined

  private constructor(options: DiskStoreOptions, records: readonly ReplicaRecord[]) {
    const { clock, log } = options
    this.#directory = options.directory
    const dirty = new Set(records.filter(({ dirty }) => dirty))
    this.#context = { clock, dirty, holes: new HolePuncher(log, options.punchProgram), direct: new DirectReads() }
    this.#records = new Map(records.map(record => [record.handle, record]))
    this.#files = new OpenFiles(
      options.openFilesMax ?? openFilesMax,
      handle => ReplicaFile.open(this.#path(handle), this.#record(handle), this.#context),
      (handle, reason) => log.error({ err: reason, handle: handleText(handle) }, 'replica file not closed properly'),
    )
    const clean = (handle: ChunkHandle) => this.#files.use(handle, file => file.clean())
    this.#cleaner = new Cleaner({ dirty: this.#context.dirty, clean, clock, log })
  }

  /** @throws LeasefsError IO, NO_SPACE; NEWER_FORMAT, NOT_SUPPORTED (replicas of another version of leasefs) */
  static async open(options: DiskStoreOptions): Promise<DiskStore> {
    await makeDirectories(options.directory).catch(reason => {
      throw diskError(options.directory, reason)
    })
    const records = await scanReplicas(options.directory, options.log)
    const store = new DiskStore(options, records)
    store.#cleaner.start()
    return store
  }

  *list(): Iterable<StoredReplica> {
    for (const record of this.#records.values()) yield storedReplica(record)
  }

  stat(handle: ChunkHandle): StoredReplica | undefined {
    const record = this.#records.get(handle)
    return record && storedReplica(record)
  }

  async create(handle: ChunkHandle, version: number): Promise<void> {
    if (this.#records.has(handle) || this.#creating.has(handle)) {
      throw new LeasefsError('ALREADY_EXISTS', `replica ${handleText(handle)} is here already`)
    }
    this.#creating.add(handle)
    try {
      const file = await ReplicaFile.create(this.#path(handle), handle, version, this.#context)
      this.#records.set(handle, file.record)
      this.#files.add(file)
    } finally {
      this.#creating.delete(handle)
    }
  }

  async delete(handle: ChunkHandle): Promise<void> {
    if (!this.#records.has(handle)) return
    await this.forget(handle)
    await removeFile(this.#path(handle))
  }

  async forget(handle: ChunkHandle): Promise<void> {
    const record = this.#records.get(handle)
    if (!record) return
    this.#records.delete(handle)
    this.#context.dirty.delete(record)
    await this.#files.close(handle)
  }

  async setVersion(handle: ChunkHandle, version: number): Promise<void> {
    this.#record(handle)
    await this.#files.use(handle, file => file.setVersion(version))
  }

  async read(handle: ChunkHandle, offset: number, length: number): Promise<StoredBytes> {
    this.#record(handle)
    return this.#files.use(handle, file => file.read(offset, length))
  }

  async write(handle: ChunkHandle, offset: number, buffers: readonly Buffer[]): Promise<void> {
    this.#record(handle)
    await this.#files.use(handle, file => file.write(offset, buffers))
  }

  async truncate(handle: ChunkHandle, length: number): Promise<void> {
    this.#record(handle)
    await this.#files.use(handle, file => file.truncate(length))
  }

  async zero(handle: ChunkHandle, offset: number, length: number): Promise<void> {
    this.#record(handle)
    await this.#files.use(handle, file => file.zero(offset, length))
  }

  async allocate(handle: ChunkHandle, offset: number, length: number): Promise<void> {
    this.#record(handle)
    await this.#files.use(handle, file => file.allocate(offset, length))
  }

  async extents(handle: ChunkHandle): Promise<StoredExtents> {
    this.#record(handle)
    return this.#files.use(handle, async file => file.extents())
  }

  async checksums(handle: ChunkHandle): Promise<StoredChecksums> {
    this.#record(handle)
    return this.#files.use(handle, async file => file.checksums())
  }

  trust(handle: ChunkHandle): void {
    const record = this.#records.get(handle)
    if (record) record.doubtful = false
  }

  allocatedBytes(handle: ChunkHandle): number | undefined {
    return this.#records.get(handle)?.allocatedBytes
  }

  async sync(handle: ChunkHandle): Promise<void> {
    this.#record(handle)
    await this.#files.use(handle, file => file.sync())
  }

  async verify(handle: ChunkHandle, first: number, end: number): Promise<readonly number[]> {
    this.#record(handle)
    return this.#files.use(handle, file => file.verify(first, end))
  }

  async mend(handle: ChunkHandle, index: number, bytes: Buffer): Promise<boolean> {
    this.#record(handle)
    return this.#files.use(handle, file => file.mend(index, bytes))
  }

  async inspect(handle: ChunkHandle): Promise<Inspected> {
    this.#record(handle)
    return this.#files.use(handle, file => file.inspect())
  }

  async strangers(): Promise<readonly string[]> {
    const isKnown = (handle: ChunkHandle) => this.#records.has(handle) || this.#creating.has(handle)
    return await strangersIn(this.#directory, isKnown)
  }

  async missing(): Promise<readonly ChunkHandle[]> {
    return await missingIn(this.#directory, () => this.#records.keys())
  }

  async probe(): Promise<void> {
    const path = join(this.#directory, probeName)
    const file = await openFile(path, 'w')
    try {
      await writeAt(file, [Buffer.alloc(probeSize, 1)], 0)
      await syncFileData(file)
    } finally {
      await closeFile(file)
      await removeFile(path)
    }
  }

  async space(): Promise<StoreSpace> {
    const { blocks, bavail, bsize } = await statfs(this.#directory).catch(reason => {
      throw diskError(this.#directory, reason)
    })
    return { totalBytes: blocks * bsize, freeBytes: bavail * bsize }
  }

  close(): Promise<void> {
    this.#closed ??= this.#cleaner.close().then(() => this.#files.closeAll())
    return this.#closed
  }

  #path(handle: ChunkHandle): string {
    return join(this.#directory, replicaPath(handle))
  }

  #record(handle: ChunkHandle): ReplicaRecord {
    const record = this.#records.get(handle)
    if (record) return record
    throw new LeasefsError('NOT_FOUND', `no replica ${handleText(handle)} here`)
  }
}

function storedReplica({ handle, version, length, doubtful }: ReplicaRecord): StoredReplica {
  return { handle, version, length, doubtful }
}

async function makeDirectories(directory: string): Promise<void> {
  const created = await mkdir(directory, { recursive: true, mode: 0o700 })
  const made = await Promise.all(directoryNames.map(name => mkdir(join(directory, name), { recursive: true })))
  if (made.some(path => path !== undefined)) await syncDirectory(directory)
  if (created) await syncDirectory(join(directory, '..'))
}
