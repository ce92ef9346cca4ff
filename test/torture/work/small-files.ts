// Many small files, made and deleted.

import { open, readdir, readFile, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { record, sequenceOf } from '../record.js'
import { below, collect, type Mount, oneOf, type Scene, type Work } from './work.js'

const filesMax = 30
const linesMax = 1500
const lineSize = 64

interface File {
  readonly size: number
  /** `perhaps`: something is under way or has failed. */
  state: 'there' | 'gone' | 'perhaps'
}

export class SmallFiles implements Work {
  readonly directory = 'small'
  readonly #scene: Scene
  readonly #files = new Map<string, File>()
  #count = 0

  constructor(scene: Scene) {
    this.#scene = scene
  }

  async write(mount: Mount): Promise<void> {
    const there = this.#there()
    const isFull = there.length >= filesMax
    if (isFull || (there.length > 0 && this.#scene.random.next() < 0.2)) {
      await this.#delete(mount, oneOf(this.#scene.random, there))
    } else await this.#make(mount)
  }

  async #make(mount: Mount): Promise<void> {
    this.#count += 1
    const name = `file-${this.#count}`
    const file: File = { size: lineSize * (1 + below(this.#scene.random, linesMax)), state: 'perhaps' }
    this.#files.set(name, file)
    const content = record(name, 1, file.size)
    const path = join(mount.directory, this.directory, name)
    if (this.#scene.random.next() < 0.5) await writeFile(path, content)
    else {
      const handle = await open(path, 'wx')
      const write = async () => {
        await handle.writeFile(content)
        await handle.sync()
      }
      await write().finally(() => handle.close())
    }
    file.state = 'there'
  }

  async #delete(mount: Mount, [name, file]: readonly [string, File]): Promise<void> {
    file.state = 'perhaps'
    await unlink(join(mount.directory, this.directory, name))
    file.state = 'gone'
  }

  async read(mount: Mount): Promise<void> {
    const there = this.#there()
    if (there.length === 0) return
    const [name, file] = oneOf(this.#scene.random, there)
    const result = await readFile(join(mount.directory, this.directory, name)).catch(reason => reason as Error)
    // Only if it was there all the time.
    if (file.state === 'there') whole(name, file, result)
  }

  async check(mount: Mount): Promise<string[]> {
    const wrong: string[] = []
    await collect(wrong, async () => {
      const directory = join(mount.directory, this.directory)
      const names = new Set(await readdir(directory))
      for (const [name, file] of this.#files) {
        await collect(wrong, async () => {
          if (file.state === 'gone' && names.has(name)) throw new Error(`${name} was deleted, and is there`)
          if (file.state === 'there' && !names.has(name)) throw new Error(`${name} is not in the directory`)
          if (file.state === 'there') whole(name, file, await readFile(join(directory, name)))
          // Neither said to be there nor gone: it must be made up now.
          if (file.state === 'perhaps' && names.has(name)) await unlink(join(directory, name))
        })
        names.delete(name)
        if (file.state !== 'there') this.#files.delete(name)
      }
      for (const name of names) wrong.push(`${name} is in the directory, and nobody made it`)
    })
    return wrong
  }

  #there(): [string, File][] {
    return [...this.#files].filter(([, { state }]) => state === 'there')
  }
}

function whole(name: string, { size }: File, content: Buffer | Error): void {
  if (content instanceof Error) throw content
  if (content.length !== size) throw new Error(`${name}: ${content.length} bytes, not ${size}`)
  sequenceOf(name, content)
}
