// The namespace against the file system of this machine: the same operations,
// the same refusals, the same tree afterwards.

import { linkSync, lstatSync, mkdirSync, readdirSync, renameSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import { SeededRandom } from '../../src/base/random.js'
import { inconsistencies } from './harness/consistency.js'
import { DIRECTORY, Namespace, root } from './harness/namespace.js'

const errnos: Readonly<Record<string, string>> = {
  NOT_FOUND: 'ENOENT',
  ALREADY_EXISTS: 'EEXIST',
  NOT_A_DIRECTORY: 'ENOTDIR',
  IS_A_DIRECTORY: 'EISDIR',
  NOT_EMPTY: 'ENOTEMPTY',
  INVALID_ARGUMENT: 'EINVAL',
  NOT_PERMITTED: 'EPERM',
}

/** What came of it: a code of errno, or nothing. */
async function outcome(run: () => unknown): Promise<string> {
  try {
    await run()
    return ''
  } catch (reason) {
    if (reason instanceof LeasefsError) return errnos[reason.code] ?? reason.code
    return String((reason as NodeJS.ErrnoException).code)
  }
}

/** Every path with its kind, links and, for files, which it is the same as. */
function tree(
  entries: (path: string) => string[],
  stat: (path: string) => { directory: boolean; nlink: number; ino: number },
) {
  const seen = new Map<number, string>()
  const list = (path: string): string[] =>
    entries(path).flatMap(name => {
      const at = path === '' ? name : `${path}/${name}`
      const { directory, nlink, ino } = stat(at)
      if (directory) return [`${at} directory ${nlink}`, ...list(at)]
      const same = seen.get(ino) ?? at
      seen.set(ino, same)
      return [`${at} file ${nlink} ${same}`]
    })
  return list('')
}

for (const seed of [1, 2, 3]) {
  t.test(`a thousand operations come to the same (seed ${seed})`, async t => {
    const random = new SeededRandom(seed)
    const pick = <T>(items: readonly T[]) => items[Math.floor(random.next() * items.length)] as T
    const path = () => Array.from({ length: pick([1, 1, 2, 2, 3]) }, () => pick(['a', 'b', 'c'])).join('/')
    const local = t.testdir()
    const at = (path: string) => join(local, path)
    const fs = await Namespace.open()

    const find = (path: string) =>
      path.split('/').reduce<number>((ino, name) => {
        fs.state.inodes.directory(ino)
        return fs.state.dentries.get(ino, Buffer.from(name))
      }, root)
    const place = (path: string): readonly [number, string] => {
      const names = path.split('/')
      const name = names.pop() ?? ''
      const parent = names.length === 0 ? root : find(names.join('/'))
      fs.state.inodes.directory(parent)
      return [parent, name]
    }

    mkdirSync(at('probe/in'), { recursive: true })
    const countsSubdirectories = lstatSync(at('probe')).nlink === 3
    rmdirSync(at('probe/in'))
    rmdirSync(at('probe'))

    for (let step = 0; step < 1000; step++) {
      const [a, b] = [path(), path()]
      const [name, here, there] = pick<[string, () => unknown, () => unknown]>([
        [`mkdir ${a}`, async () => fs.make(...place(a), { type: DIRECTORY }), () => mkdirSync(at(a))],
        [`create ${a}`, async () => fs.make(...place(a)), () => writeFileSync(at(a), '', { flag: 'wx' })],
        [`unlink ${a}`, async () => fs.unlink(...place(a)), () => unlinkSync(at(a))],
        [`rmdir ${a}`, async () => fs.removeDirectory(...place(a)), () => rmdirSync(at(a))],
        [`link ${a} ${b}`, async () => fs.link(find(a), ...place(b)), () => linkSync(at(a), at(b))],
        [`rename ${a} ${b}`, async () => fs.rename(place(a), place(b)), () => renameSync(at(a), at(b))],
        [`rename ${b} ${a}`, async () => fs.rename(place(b), place(a)), () => renameSync(at(b), at(a))],
      ])
      const [ours, theirs] = [await outcome(here), await outcome(there)]
      if (ours !== theirs) return t.equal(ours, theirs, `step ${step}: ${name}`)
    }
    t.same(inconsistencies(fs.store), [])
    const ours = tree(
      path => fs.names(path === '' ? root : find(path)),
      path => {
        const { type, nlink, ino } = fs.stat(find(path))
        return { directory: type === DIRECTORY, nlink: countsSubdirectories || type !== DIRECTORY ? nlink : 1, ino }
      },
    )
    const theirs = tree(
      path => readdirSync(at(path)).sort(),
      path => {
        const stat = lstatSync(at(path))
        const directory = stat.isDirectory()
        return { directory, nlink: countsSubdirectories || !directory ? stat.nlink : 1, ino: stat.ino }
      },
    )
    t.ok(ours.length > 5)
    return t.same(ours, theirs)
  })
}
