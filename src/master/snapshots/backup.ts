// `leasefs backup`: a snapshot of now, sent piece by piece as it is asked for.
// The file stays open for as long as the stream, so it may be deleted meanwhile.

import { type FileHandle, open } from 'node:fs/promises'
import type { Clock } from '../../base/clock.js'
import { LeasefsError } from '../../base/errors.js'
import type { Logger } from '../../base/log.js'
import { type ControlStream, type Handler, stream } from '../../rpc/control-network.js'
import type { BackupReply, BackupRequest } from '../../wire/gen/admin.js'
import { MasterService } from '../../wire/gen/services.js'
import type { ClusterId } from '../../wire/ids.js'
import { diskError } from '../journal/disk.js'
import { backupIdleMs, backupsMax, backupWindow, blockSize } from './limits.js'
import type { Snapshots } from './snapshots.js'

export interface BackupOptions {
  readonly clusterId: ClusterId
  /** Absent: the state is on no disk, and there is nothing to back up. */
  readonly snapshots: Pick<Snapshots, 'take'> | undefined
  readonly clock: Clock
  readonly log: Logger
}

type BackupStream = ControlStream<BackupReply, BackupRequest>

export function backupHandler(options: BackupOptions): Handler {
  let underWay = 0
  return stream(MasterService.backup, (opened: BackupStream) => {
    if (underWay >= backupsMax) {
      opened.close(new LeasefsError('UNAVAILABLE', `${backupsMax} backups are being made`))
      return
    }
    underWay++
    new Backup(options, opened, () => underWay--)
  })
}

class Backup {
  readonly #options: BackupOptions
  readonly #stream: BackupStream
  #file: FileHandle | undefined
  #sent = 0
  /** Requests that came and were not answered. */
  #asked = 0
  #answering: Promise<void> = Promise.resolve()
  #cancelTimer: () => void
  #closed = false

  constructor(options: BackupOptions, opened: BackupStream, ended: () => void) {
    this.#options = options
    this.#stream = opened
    this.#cancelTimer = this.#watchIdle()
    opened.onMessage(() => this.#request())
    opened.onClose(() => {
      ended()
      this.#closed = true
      this.#cancelTimer()
      void this.#answering.then(() => this.#file?.close())
    })
  }

  #request(): void {
    if (++this.#asked > backupWindow) {
      this.#stream.close(new LeasefsError('INVALID_ARGUMENT', `more than ${backupWindow} pieces asked for at a time`))
      return
    }
    this.#answering = this.#answering.then(() => this.#answer())
  }

  async #answer(): Promise<void> {
    if (this.#closed) return
    try {
      const message = this.#file ? await this.#piece(this.#file) : await this.#begin()
      this.#asked--
      this.#cancelTimer()
      this.#cancelTimer = this.#watchIdle()
      this.#stream.send({ message })
    } catch (reason) {
      const error = diskError(reason)
      this.#options.log.error({ err: error }, 'a backup has failed')
      this.#stream.close(error)
    }
  }

  async #begin(): Promise<BackupReply['message']> {
    const { snapshots, clusterId, log } = this.#options
    if (!snapshots) throw new LeasefsError('NOT_SUPPORTED', 'this master keeps nothing on a disk')
    const { path, index } = await snapshots.take()
    const file = await open(path, 'r')
    this.#file = file
    const { size: bytes } = await file.stat()
    log.info({ index, bytes, peer: this.#stream.peer }, 'a backup is being made')
    return { $case: 'begun', value: { clusterId, index, bytes } }
  }

  async #piece(file: FileHandle): Promise<BackupReply['message']> {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(blockSize), 0, blockSize, this.#sent)
    this.#sent += bytesRead
    return { $case: 'piece', value: buffer.subarray(0, bytesRead) }
  }

  #watchIdle(): () => void {
    const idle = () => this.#stream.close(new LeasefsError('TIMEOUT', 'nothing more of the backup was asked for'))
    return this.#options.clock.after(backupIdleMs, idle)
  }
}
