// From the paths that libfuse passes to inodes. The client caches what it
// resolves, so a path that was walked before costs no message.

import type { Attributes, FileSystem, Ino } from '../../../client/file-system.js'
import { rootIno } from '../../../constants.js'
import { KernelError } from '../../errno.js'
import { checkName } from '../../operations/names.js'
import type { HiddenFiles } from './hidden-files.js'

const root = rootIno as Ino

/** What the addon puts for bytes that are not UTF-8: different names would become one. */
const replacement = '\ufffd'

export interface Place {
  readonly parent: Ino
  readonly name: Buffer
}

export class Paths {
  readonly #fileSystem: FileSystem
  readonly #hidden: HiddenFiles

  constructor(fileSystem: FileSystem, hidden: HiddenFiles) {
    this.#fileSystem = fileSystem
    this.#hidden = hidden
  }

  async attributes(path: string): Promise<Attributes> {
    const hidden = this.#hidden.inoOf(split(path).name)
    if (hidden !== undefined) return this.#fileSystem.getAttributes(hidden)
    const steps = await this.#fileSystem.resolve(root, namesOf(path))
    return steps.at(-1) ?? this.#fileSystem.getAttributes(root)
  }

  async ino(path: string): Promise<Ino> {
    return (await this.attributes(path)).ino
  }

  /** The directory and the name of an entry that need not exist. */
  async place(path: string): Promise<Place> {
    const { directory, name } = split(path)
    checkText(name)
    return { parent: await this.ino(directory), name: Buffer.from(name) }
  }
}

/** "/a/b" is "b" in "/a"; "/b" is "b" in "/". */
export function split(path: string): { directory: string; name: string } {
  const slash = path.lastIndexOf('/')
  return { directory: slash > 0 ? path.slice(0, slash) : '/', name: path.slice(slash + 1) }
}

function namesOf(path: string): Buffer[] {
  checkText(path)
  if (path === '/') return []
  return path
    .slice(1)
    .split('/')
    .map(text => {
      const name = Buffer.from(text)
      checkName(name)
      return name
    })
}

/** That no byte of a name or a target was lost on its way to or from a string. @throws KernelError EILSEQ */
export function checkText(text: string): void {
  if (text.includes(replacement)) throw new KernelError('EILSEQ', 'names that are not UTF-8 are for other bindings')
}
