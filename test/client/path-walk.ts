import t from 'tap'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import type { FileSystem } from '../../src/client/file-system.js'
import { find, findPlace, findTarget } from '../../src/client/path-walk.js'
import { rootIno } from '../../src/constants.js'
import type { Ino } from '../../src/wire/ids.js'
import { MemoryFileSystem } from '../fuse/harness/memory-file-system.js'

const root = rootIno as Ino
const inode = { mode: 0o755, uid: 0, gid: 0 }

/** /d/e/f (a file), and links: /up → d/e/.., /file → /d/e/f, /dangling → nowhere, /loop → loop */
async function tree(): Promise<FileSystem> {
  const fs = new MemoryFileSystem(new SimulatedClock())
  const d = await fs.makeDirectory(root, Buffer.from('d'), inode)
  const e = await fs.makeDirectory(d.ino, Buffer.from('e'), inode)
  await fs.create(e.ino, Buffer.from('f'), inode, { read: true, write: true, exclusive: true })
  const links = { up: 'd/e/..', file: '/d/e/f', dangling: 'nowhere', loop: 'loop', absolute: '/d/e' }
  for (const [name, target] of Object.entries(links)) {
    await fs.makeSymlink(root, Buffer.from(name), Buffer.from(target), inode)
  }
  return fs
}

t.test('paths lead where POSIX says', async t => {
  const fs = await tree()
  const inoOf = async (path: string) => (await find(fs, path, true)).ino
  const [d, e, f] = [await inoOf('/d'), await inoOf('/d/e'), await inoOf('/d/e/f')]
  const cases: [path: string, ino: number][] = [
    ['/', root],
    ['', root],
    ['d', d],
    ['//d//./e/', e],
    ['/d/e/../e/f', f],
    ['/../../d', d],
    ['/up', d],
    ['/up/e/f', f],
    ['/absolute/f', f],
    ['/absolute/..', d],
    ['/file', f],
  ]
  for (const [path, ino] of cases) t.equal(await inoOf(path), ino, path)
  t.equal((await find(fs, '/file', false)).kind, 'symlink', 'the last link is followed only if asked')
})

t.test('paths that lead nowhere say why', async t => {
  const fs = await tree()
  const cases: [path: string, code: string][] = [
    ['/x', 'NOT_FOUND'],
    ['/d/x/y', 'NOT_FOUND'],
    ['/dangling', 'NOT_FOUND'],
    ['/d/e/f/g', 'NOT_A_DIRECTORY'],
    ['/file/g', 'NOT_A_DIRECTORY'],
    ['/loop', 'TOO_MANY_SYMLINKS'],
    ['/a\0b', 'INVALID_ARGUMENT'],
    [`/${'x/'.repeat(3000)}`, 'NAME_TOO_LONG'],
  ]
  for (const [path, code] of cases) await t.rejects(find(fs, path, true), { code }, path.slice(0, 20))
})

t.test('where an entry is, or would be', async t => {
  const fs = await tree()
  const e = (await find(fs, '/d/e', true)).ino
  t.match(await findPlace(fs, '/d/e/new'), { parent: e, name: Buffer.from('new') })
  t.match(await findPlace(fs, '/absolute/f'), { parent: e, name: Buffer.from('f') })
  t.match(await findPlace(fs, '/file'), { parent: root, name: Buffer.from('file') }, 'of the link itself')
  await t.rejects(findPlace(fs, '/'), { code: 'INVALID_ARGUMENT' })
  await t.rejects(findPlace(fs, '/d/..'), { code: 'INVALID_ARGUMENT' })
  await t.rejects(findPlace(fs, '/x/new'), { code: 'NOT_FOUND' })
})

t.test('a file is made where a link leads, not in its stead', async t => {
  const fs = await tree()
  const target = await findTarget(fs, '/dangling')
  t.match(target.place, { parent: root, name: Buffer.from('nowhere') })
  t.equal(target.attributes, undefined)
  t.equal((await findTarget(fs, '/file')).attributes?.kind, 'file')
})
