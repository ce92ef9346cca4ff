// The control socket of a running mount: whoever may enter its directory (its
// user, and root) asks how things stand, and hears how the mount ended.
//
// A question is the line "state"; an answer is a line of JSON. Nothing can be
// changed here, so whatever comes does no harm; what is no question ends the
// connection.

import { once } from 'node:events'
import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import type { Logger } from '../../base/log.js'
import { answerMsMax, answersUnreadBytesMax, askerIdleMs, askersMax, questionBytesMax } from './limits.js'
import type { Answer, MountEnd, MountState } from './mount-state.js'
import { type ControlRecord, controlFiles, findRecords, isServed, removeRecord, writeRecord } from './record.js'
import { makeRuntimeDirectory, ownUid } from './runtime-directory.js'

export interface ControlOptions {
  readonly record: ControlRecord
  readonly state: () => MountState
  readonly log: Logger
  /** Where to leave record and socket: else where others look for them. */
  readonly directory?: string
}

export interface Control {
  /** Tells those who are connected how the mount ended, and takes record and socket away. */
  close(end: MountEnd): Promise<void>
}

const none: Control = { close: async () => {} }

/** A mount is of use without: what goes wrong is logged. */
export async function openControl(options: ControlOptions): Promise<Control> {
  try {
    return await ControlServer.open(options)
  } catch (reason) {
    options.log.warn({ err: reason }, 'leasefs status and umount can not ask this mount')
    return none
  }
}

class ControlServer implements Control {
  readonly #options: ControlOptions
  readonly #files: { readonly file: string; readonly socket: string }
  readonly #server: Server
  readonly #askers = new Set<Socket>()

  static async open(options: ControlOptions): Promise<ControlServer> {
    const { record, directory = makeRuntimeDirectory() } = options
    for (const found of findRecords(ownUid(), [directory])) {
      if (found.device === record.device || !isServed(found)) removeRecord(found)
    }
    const control = new ControlServer(options, directory)
    await control.#listen()
    await writeRecord(directory, record)
    return control
  }

  private constructor(options: ControlOptions, directory: string) {
    this.#options = options
    this.#files = controlFiles(directory, options.record.device)
    this.#server = createServer(socket => this.#accept(socket))
    this.#server.maxConnections = askersMax
  }

  async close(end: MountEnd): Promise<void> {
    removeRecord(this.#files)
    this.#server.close()
    for (const socket of this.#askers) {
      say(socket, { end })
      socket.end()
    }
    const late = setTimeout(() => this.#leaveAll(), answerMsMax)
    // Its errors are no news: whoever asked has gone.
    await Promise.all([...this.#askers].map(socket => once(socket, 'close').catch(() => {})))
    clearTimeout(late)
  }

  /** Those who have not taken their answers. */
  #leaveAll(): void {
    for (const socket of this.#askers) socket.destroy()
  }

  async #listen(): Promise<void> {
    rmSync(this.#files.socket, { force: true })
    this.#server.listen(this.#files.socket)
    await once(this.#server, 'listening')
    chmodSync(this.#files.socket, 0o600)
    this.#server.on('error', reason => this.#options.log.warn({ err: reason }, 'the control socket has failed'))
    this.#server.unref()
  }

  #accept(socket: Socket): void {
    this.#askers.add(socket)
    let unread = ''
    socket.setEncoding('latin1').unref()
    socket.setTimeout(askerIdleMs, () => socket.destroy())
    socket.on('error', () => {}) // Whoever asked has gone.
    socket.on('close', () => this.#askers.delete(socket))
    socket.on('data', (text: string) => {
      const lines = (unread + text).split('\n')
      unread = lines.pop() ?? ''
      if (unread.length >= questionBytesMax || !lines.every(line => this.#answer(socket, line))) {
        this.#options.log.warn('someone who asked something else than a question was left')
        socket.destroy()
      }
    })
  }

  #answer(socket: Socket, question: string): boolean {
    if (question !== 'state' || socket.writableLength > answersUnreadBytesMax) return false
    return say(socket, { state: this.#options.state() })
  }
}

function say(socket: Socket, answer: Answer): true {
  socket.write(`${JSON.stringify(answer)}\n`)
  return true
}
