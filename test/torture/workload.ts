// Writers and readers on all mounts, that work until they are paused.

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { MiB } from '../../src/base/units.js'
import { Logs } from './work/logs.js'
import { Replaced } from './work/replaced.js'
import { Slots } from './work/slots.js'
import { SmallFiles } from './work/small-files.js'
import { type Mount, oneOf, type Scene, type Work } from './work/work.js'

const writersPerMount = 2
const readersPerMount = 1
/** Between two operations of one loop: so many programs are to share two processors. */
const pauseMs = 8
const chunkSize = 64 * MiB

/** One program, in effect. */
interface Loop {
  readonly mount: number
  readonly kind: 'write' | 'read'
  done: number
}

/** What went on between a start and a pause. */
export interface Report {
  acknowledged: number
  longestMs: number
  /** What was read and can't be so. */
  readonly wrong: string[]
  /** What failed, and should not have. */
  readonly failed: string[]
}

export class Workload {
  readonly #slots: readonly Slots[]
  readonly #works: readonly Work[]
  #mounts: readonly Mount[]
  readonly #scene: Scene
  #running: Promise<unknown> = Promise.resolve()
  #loops: Loop[] = []
  #isPaused = true
  #report: Report = { acknowledged: 0, longestMs: 0, wrong: [], failed: [] }

  /** @param directories where the mounts are */
  constructor(directories: readonly string[], scene: Scene) {
    this.#mounts = directories.map(mountOn)
    this.#scene = scene
    this.#slots = [
      new Slots(scene, { name: 'pages', count: 48, size: 4096, start: 0 }),
      new Slots(scene, { name: 'more-pages', count: 48, size: 4096, start: 0 }),
      // Two chunks, and a hole before.
      new Slots(scene, { name: 'pages-of-two-chunks', count: 16, size: 4096, start: chunkSize - 8 * 4096 }),
      new Slots(scene, { name: 'large', count: 12, size: 65536, start: 0 }),
    ]
    this.#works = [...this.#slots, new Logs(scene), new SmallFiles(scene), new Replaced(scene)]
  }

  /** On the mounts as they are now. */
  async prepare(): Promise<void> {
    const [mount] = this.#mounts
    for (const directory of new Set(this.#works.map(({ directory }) => directory))) {
      await mkdir(join(mount?.directory ?? '', directory))
    }
  }

  start(): void {
    const report: Report = { acknowledged: 0, longestMs: 0, wrong: [], failed: [] }
    this.#report = report
    const each = (kind: Loop['kind'], count: number): Loop[] =>
      this.#mounts.flatMap((_, mount) => Array.from({ length: count }, () => ({ mount, kind, done: 0 })))
    this.#isPaused = false
    this.#loops = [...each('write', writersPerMount), ...each('read', readersPerMount)]
    this.#running = Promise.all(this.#loops.map(loop => this.#run(loop, report)))
  }

  /** Resolves when every loop has done so much more. */
  async progress(count: number): Promise<void> {
    const before = this.#loops.map(({ done }) => done)
    while (this.#loops.some(({ done }, i) => done < (before[i] ?? 0) + count)) await delay(20)
  }

  /** Which loops wait now, for people. */
  waiting(): string {
    return this.#loops.map(({ mount, kind, done }) => `${kind} on mount-${mount + 1}: ${done}`).join(', ')
  }

  /** Resolves when nothing is under way. */
  async pause(): Promise<void> {
    this.#isPaused = true
    await this.#running
  }

  /** Since the start. */
  report(): Report {
    return this.#report
  }

  /** The process of this mount will be killed. */
  mountDies(mount: number): void {
    const dying = this.#mounts[mount]
    if (dying) dying.died = true
  }

  /** It is mounted again: a new one, as far as anyone can tell. */
  mountIsBack(mount: number): void {
    this.#mounts = this.#mounts.map((each, i) => (i === mount ? mountOn(each.directory, i) : each))
  }

  /** That everything that was acknowledged is there, as another mount sees it. Nothing must be under way. */
  async check(): Promise<string[]> {
    const checks = this.#works.map(work => work.check(oneOf(this.#scene.random, this.#mounts)))
    return (await Promise.all(checks)).flat()
  }

  /** Of the files whose records are overwritten. */
  slotPaths(): readonly string[] {
    return this.#slots.flatMap(work => work.paths())
  }

  async #run(loop: Loop, report: Report): Promise<void> {
    while (!this.#isPaused) {
      const mount = this.#mounts[loop.mount]
      if (mount && !mount.died) await this.#step(loop, mount, report)
      await delay(pauseMs)
    }
  }

  async #step(loop: Loop, mount: Mount, report: Report): Promise<void> {
    const work = oneOf(this.#scene.random, this.#works)
    const begun = this.#scene.now()
    try {
      await work[loop.kind](mount)
      loop.done += 1
      if (loop.kind === 'write') report.acknowledged += 1
      if (!mount.died) report.longestMs = Math.max(report.longestMs, this.#scene.now() - begun)
    } catch (reason) {
      const { code, message, syscall } = reason as NodeJS.ErrnoException
      if (code === undefined) report.wrong.push(`while it went on, on ${mount.label}: ${message}`)
      else if (!mount.died) report.failed.push(`${syscall} on ${mount.label}: ${message}`)
    }
  }
}

function mountOn(directory: string, i: number): Mount {
  return { label: `mount-${i + 1}`, directory, died: false }
}
