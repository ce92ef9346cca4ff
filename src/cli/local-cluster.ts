// The processes of `leasefs up`: a master, chunkservers and a mount, started so
// that each finds the ones it needs, and stopped in the opposite order: the mount
// first, since it still has to write.

import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { second } from '../base/units.js'
import { unmountLazily } from '../fuse/unmount.js'
import { type Address, addressText, parseAddress } from '../wire/address.js'
import { Child, type DaemonName } from './child.js'
import { removeClusterFile, writeClusterFile } from './cluster-file.js'
import { exitText } from './exit.js'
import { type MountChoices, mountArguments } from './mount-options.js'
import type { TrashOptions } from './options.js'

export interface LocalClusterOptions extends TrashOptions {
  /** Absolute, as are all paths here. */
  readonly data: string
  readonly mountPoint: string
  readonly chunkservers: number
  readonly goal: number
  readonly mount: MountChoices
  readonly listen: Address
  readonly logLevel: string
  readonly trace: string | undefined
}

/** If this process is killed, the mount ends at once, the others when it has had time to write. */
const graceMs = { 'leasefs-mount': 0, 'leasefs-chunkserver': 4 * second, 'leasefs-master': 6 * second }

export class LocalCluster {
  readonly #options: LocalClusterOptions
  readonly #say: (line: string) => void
  readonly #children: Child[] = []
  #stopping = false

  /** `say` gets a line for people now and then: what the daemons print, and who died. */
  constructor(options: LocalClusterOptions, say: (line: string) => void) {
    this.#options = options
    this.#say = say
  }

  /** Resolves when files can be used. Call stop() in any case, also if it rejects. */
  async start(): Promise<void> {
    const { data, mountPoint, chunkservers, goal, listen, trash, trashBytes } = this.#options
    await mkdir(data, { recursive: true, mode: 0o700 })
    await this.#warnOfUnused()

    const masterArgs = ['--data', join(data, 'master'), '--listen', addressText(listen), '--goal', String(goal)]
    masterArgs.push('--trash', `${Math.ceil(trash / second)}s`, '--trash-bytes', String(trashBytes))
    const ready = await this.#run('master', 'leasefs-master', masterArgs).ready
    const master = /listening on (\S+),/.exec(ready)?.[1] ?? ''

    const names = Array.from({ length: chunkservers }, (_, i) => `chunkserver-${i + 1}`)
    const servers = names.map(name => {
      const args = ['--data', join(data, name), '--master', master, '--listen', addressText({ ...listen, port: 0 })]
      return this.#run(name, 'leasefs-chunkserver', args)
    })
    const mountArgs = [mountPoint, '--master', master, ...mountArguments(this.#options.mount)]
    const mount = this.#run('mount', 'leasefs-mount', mountArgs)
    await Promise.all([...servers, mount].map(child => child.ready))
    await writeClusterFile(data, { master: parseAddress(master), mountPoint })
  }

  /** Takes all down in order. True if each ended as it should. */
  async stop(): Promise<boolean> {
    this.#stopping = true
    const order: DaemonName[] = ['leasefs-mount', 'leasefs-chunkserver', 'leasefs-master']
    let clean = true
    for (const program of order) {
      const running = this.#children.filter(child => child.program === program && child.isRunning)
      const exits = await Promise.all(running.map(async child => ({ child, exit: await child.stop() })))
      for (const { child, exit } of exits) {
        if (exit.code === 0) continue
        clean = false
        this.#say(`leasefs: ${child.label} did not end cleanly: ${exitText(exit)}`)
      }
    }
    await removeClusterFile(this.#options.data)
    return clean
  }

  /** Ends all at once, without waiting for what is under way: stop() then has nothing to wait for. */
  kill(): void {
    for (const child of this.#children) child.kill('SIGKILL')
  }

  /** Resolves when the last process has ended. */
  async allEnded(): Promise<void> {
    await Promise.all(this.#children.map(child => child.exited))
  }

  #run(label: string, program: DaemonName, args: readonly string[]): Child {
    const { logLevel, trace } = this.#options
    const more = ['--log-level', logLevel, ...(trace === undefined ? [] : ['--trace', trace])]
    const child = new Child({
      label,
      program,
      args: [...args, ...more],
      exitWithParentMs: graceMs[program],
      onLine: line => {
        // Why it could not start is told once, by start().
        const isLastWord = line.startsWith(`${program}: `) && !line.startsWith(`${program}: ready`)
        if (!isLastWord || child.isReady) this.#say(`${label.padEnd('chunkserver-9'.length)} | ${line}`)
      },
    })
    this.#children.push(child)
    this.#watch(child)
    return child
  }

  #watch(child: Child): void {
    child.exited.then(async exit => {
      if (exit.code !== 0 && child.program === 'leasefs-mount') await this.#cleanMountPoint()
      if (this.#stopping || !child.isReady) return
      this.#say(`leasefs: ${child.label} (pid ${child.pid}) has ended: ${exitText(exit)}. The others go on`)
    })
  }

  /** A mount that died leaves its directory unusable until it is unmounted. */
  async #cleanMountPoint(): Promise<void> {
    await unmountLazily(this.#options.mountPoint).catch(() => {}) // Usually it is unmounted already.
  }

  async #warnOfUnused(): Promise<void> {
    const { data, chunkservers } = this.#options
    for (const name of await readdir(data)) {
      const number = Number(/^chunkserver-(\d+)$/.exec(name)?.[1])
      if (number > chunkservers)
        this.#say(`leasefs: warning: ${join(data, name)} is not in use: its replicas are missing`)
    }
  }
}
