// The header of one replica file as it is written: one write after the other,
// so that each slot is whole when the other is written.

import { encodeSlot } from './chunk-format.js'
import { type DiskFile, syncFileData, writeAt } from './disk.js'
import type { ReplicaRecord } from './replica-record.js'

export class HeaderWriter {
  readonly #file: DiskFile
  readonly #record: ReplicaRecord
  readonly #dirty: Set<ReplicaRecord>
  #last: Promise<unknown> = Promise.resolve()

  /** `dirty`: the records whose header says so; kept here. */
  constructor(file: DiskFile, record: ReplicaRecord, dirty: Set<ReplicaRecord>) {
    this.#file = file
    this.#record = record
    this.#dirty = dirty
  }

  /** The record is changed with the header, when it is written (and on the disk, if `durable`). @throws LeasefsError NO_SPACE, IO */
  write(changes: { readonly version?: number; readonly dirty?: boolean }, durable: boolean): Promise<void> {
    return this.between(async () => {
      const { handle, version, dirty, sequence } = this.#record
      const header = { handle, version, dirty, ...changes, sequence: sequence + 1 }
      const { bytes, position } = encodeSlot(header)
      await writeAt(this.#file, [bytes], position)
      this.#record.sequence++
      if (durable) await syncFileData(this.#file)
      this.#record.version = header.version
      this.#record.dirty = header.dirty
      if (header.dirty) this.#dirty.add(this.#record)
      else this.#dirty.delete(this.#record)
    })
  }

  /** Runs while no header is being written. */
  between<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#last.then(run)
    this.#last = result.catch(() => {})
    return result
  }
}
