// Files that are replaced as careful programs do it: written under another name,
// and renamed over the old one.

import { open, readdir, readFile, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { History } from '../history.js'
import { record, sequenceOf } from '../record.js'
import { below, collect, type Mount, oneOf, type Scene, type Work } from './work.js'

const filesCount = 3
const lineSize = 64
const linesMax = 700

export class Replaced implements Work {
  readonly directory = 'replaced'
  readonly #scene: Scene
  readonly #files: readonly History[]
  /** Which may have been left behind. */
  readonly #temporary = new Set<string>()

  constructor(scene: Scene) {
    this.#scene = scene
    this.#files = Array.from({ length: filesCount }, (_, i) => new History(`replaced-${i}`, scene.now))
  }

  async write(mount: Mount): Promise<void> {
    const history = oneOf(this.#scene.random, this.#files)
    const write = history.begin()
    const temporary = `${history.name}.${write.sequence}`
    this.#temporary.add(temporary)
    const directory = join(mount.directory, this.directory)
    try {
      const file = await open(join(directory, temporary), 'wx')
      const fill = async () => {
        await file.writeFile(record(history.name, write.sequence, sizeOf(write.sequence)))
        if (below(this.#scene.random, 2) > 0) await file.sync()
      }
      await fill().finally(() => file.close())
      await rename(join(directory, temporary), join(directory, history.name))
    } catch (reason) {
      if (!mount.died) history.fail(write)
      throw reason
    }
    history.acknowledge(write)
    this.#temporary.delete(temporary)
  }

  async read(mount: Mount): Promise<void> {
    const history = oneOf(this.#scene.random, this.#files)
    if (!history.hasAny) return
    const begun = this.#scene.now()
    see(history, await readFile(join(mount.directory, this.directory, history.name)), begun)
  }

  async check(mount: Mount): Promise<string[]> {
    const wrong: string[] = []
    await collect(wrong, async () => {
      const directory = join(mount.directory, this.directory)
      const names = new Set(await readdir(directory))
      for (const history of this.#files) {
        if (!history.hasAny) continue
        await collect(wrong, async () => {
          if (!names.has(history.name)) throw new Error(`${history.name} is not in the directory`)
          const begun = this.#scene.now()
          history.settle(see(history, await readFile(join(directory, history.name)), begun))
        })
        names.delete(history.name)
      }
      for (const name of names) {
        const isExpected = this.#temporary.has(name) || this.#files.some(history => history.name === name)
        if (!isExpected) wrong.push(`${name} is in the directory, and was renamed`)
        else if (this.#temporary.has(name)) await unlink(join(directory, name))
      }
      this.#temporary.clear()
    })
    return wrong
  }
}

function sizeOf(sequence: number): number {
  return lineSize * (1 + ((sequence * 101) % linesMax))
}

function see(history: History, content: Buffer, begun: number): number {
  const sequence = sequenceOf(history.name, content)
  const size = sizeOf(sequence)
  if (content.length !== size)
    throw new Error(`${history.name}: number ${sequence} has ${content.length} bytes, not ${size}`)
  history.see(sequence, begun)
  return sequence
}
