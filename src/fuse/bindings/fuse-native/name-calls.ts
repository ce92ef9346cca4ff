// Operations on names, by path.

import { LeasefsError } from '../../../base/errors.js'
import type { FileKind } from '../../../client/file-system.js'
import { type CallTable, plain } from './calls.js'
import type { Context } from './context.js'
import { entryStatOf, kindBits } from './encoding.js'
import { checkText, split } from './paths.js'

type NameCalls = Pick<
  CallTable,
  'mknod' | 'mkdir' | 'symlink' | 'readlink' | 'link' | 'unlink' | 'rmdir' | 'rename' | 'readdir' | 'fsyncdir'
>

const typeMask = 0o170000

export function nameCalls({ operations, paths, hidden, owner }: Context): NameCalls {
  const { names, directories } = operations
  const by = { uid: owner.uid }
  return {
    mknod: plain<'mknod'>(async (path, mode, rdev) => {
      const { parent, name } = await paths.place(path)
      return names.makeNode(parent, name, kindOf(mode), mode, rdev, owner)
    }),

    mkdir: plain<'mkdir'>(async (path, mode) => {
      const { parent, name } = await paths.place(path)
      return names.makeDirectory(parent, name, mode, owner)
    }),

    symlink: plain<'symlink'>(async (target, path) => {
      checkText(target)
      const { parent, name } = await paths.place(path)
      return names.makeSymlink(parent, name, Buffer.from(target), owner)
    }),

    readlink: {
      run: async (_request, path) => {
        const target = String(await names.readSymlink(await paths.ino(path)))
        checkText(target)
        return [0, target]
      },
      failed: () => [''],
    },

    link: plain<'link'>(async (from, to) => {
      const [ino, { parent, name }] = await Promise.all([paths.ino(from), paths.place(to)])
      return names.link(ino, parent, name)
    }),

    unlink: plain<'unlink'>(async path => {
      const { parent, name } = await paths.place(path)
      await names.unlink(parent, name, by)
    }),

    rmdir: plain<'rmdir'>(async path => {
      const { parent, name } = await paths.place(path)
      await checkHidesNone(path)
      return names.removeDirectory(parent, name)
    }),

    rename: plain<'rename'>(async (from, to) => {
      const target = split(to)
      if (hidden.isHiding(split(from).directory, target.directory, target.name)) return hide(from, target.name)
      const [source, destination] = await Promise.all([paths.place(from), paths.place(to)])
      await checkHidesNone(to)
      return names.rename(source.parent, source.name, destination.parent, destination.name, by)
    }),

    readdir: {
      run: async (_request, path) => {
        const entries = await directories.list(await paths.ino(path))
        return [0, entries.map(({ name }) => String(name)), entries.map(entryStatOf)]
      },
      failed: () => [[], []],
    },

    fsyncdir: plain<'fsyncdir'>(async path => directories.sync(await paths.ino(path))),
  }

  async function hide(path: string, hiddenName: string): Promise<void> {
    const [ino, { parent, name }] = await Promise.all([paths.ino(path), paths.place(path)])
    await names.unlink(parent, name, by)
    hidden.hide(hiddenName, ino, parent)
  }

  /** That what is removed is no directory that libfuse still needs. */
  async function checkHidesNone(path: string): Promise<void> {
    if (hidden.isEmpty) return
    const ino = await paths.ino(path).catch(() => undefined) // The operation itself says what is wrong with it.
    if (ino !== undefined && (await hidden.staysIn(ino))) {
      throw new LeasefsError('NOT_EMPTY', `${path} has files without a name that are open`)
    }
  }
}

/** @throws LeasefsError INVALID_ARGUMENT */
function kindOf(mode: number): FileKind {
  const type = mode & typeMask || kindBits.file
  const kinds = Object.entries(kindBits) as [FileKind, number][]
  const kind = kinds.find(([, bits]) => bits === type)?.[0]
  if (!kind || kind === 'directory' || kind === 'symlink') {
    throw new LeasefsError('INVALID_ARGUMENT', `mknod makes no ${type.toString(8)}`)
  }
  return kind
}
