import t from 'tap'
import { SimulatedClock } from '../../../src/base/simulated-clock.js'
import type { Ino } from '../../../src/client/file-system.js'
import { rootIno } from '../../../src/constants.js'
import { InvalidationRelay } from '../../../src/fuse/invalidations.js'
import { openSubdirectory } from '../../../src/fuse/views/subdirectory.js'
import { MemoryFileSystem } from '../harness/memory-file-system.js'

const root = rootIno as Ino
const inode = { mode: 0o755, uid: 1, gid: 2 }
const name = (text: string) => Buffer.from(text)

/** /a/b/c, the file /file, and the symbolic link /link to "a". */
async function tree() {
  const fileSystem = new MemoryFileSystem(new SimulatedClock())
  const a = await fileSystem.makeDirectory(root, name('a'), inode)
  const b = await fileSystem.makeDirectory(a.ino, name('b'), inode)
  const c = await fileSystem.makeDirectory(b.ino, name('c'), inode)
  const { file } = await fileSystem.create(root, name('file'), inode, { read: true, write: true, exclusive: true })
  await file.close()
  await fileSystem.makeSymlink(root, name('link'), name('a'), inode)
  const relay = new InvalidationRelay()
  return { fileSystem, relay, a, b, c, open: (path: string) => openSubdirectory(fileSystem, relay, path) }
}

t.test('the directory is the root, and its own parent', async t => {
  const { open, b, c } = await tree()
  for (const path of ['/a/b', 'a/b/', '//a/./b']) {
    const { fileSystem: view } = await open(path)
    t.match(await view.getAttributes(root), { ino: root, kind: 'directory' })
    const { entries, parent } = await view.readDirectory(root)
    t.equal(parent, root, 'nothing is above')
    t.same(
      entries.map(entry => entry.attributes.ino),
      [c.ino],
    )
    t.equal((await view.readDirectory(c.ino)).parent, root)
    t.equal((await view.lookup(root, name('c'))).ino, c.ino)
    await t.rejects(view.readDirectory(b.ino), { code: 'NOT_FOUND' }, 'the real root has no number')
    await t.rejects(view.lookup(root, name('file')), { code: 'NOT_FOUND' })
  }
})

t.test('what is made in the root is made in the directory', async t => {
  const { open, fileSystem, b } = await tree()
  const { fileSystem: view } = await open('a/b')
  const made = await view.makeDirectory(root, name('new'), inode)
  t.equal((await fileSystem.lookup(b.ino, name('new'))).ino, made.ino)
  t.match(await view.setAttributes(root, { mode: 0o700 }), { ino: root, mode: 0o700 })
  t.match(await fileSystem.getAttributes(b.ino), { mode: 0o700 })
})

t.test('changes made elsewhere are heard by the numbers of the view', async t => {
  const { open, relay, b, c } = await tree()
  const { invalidations } = await open('a/b')
  const heard: unknown[] = []
  invalidations.listen(async inos => void heard.push(inos))
  await relay.invalidated([b.ino, c.ino])
  await relay.invalidated('all')
  t.same(heard, [[root, c.ino], 'all'])
})

t.test('the whole is a part as well', async t => {
  const { open, fileSystem, relay } = await tree()
  for (const path of ['/', '', '.']) t.same(await open(path), { root, fileSystem, invalidations: relay })
})

t.test('what is no directory of the cluster is told', async t => {
  const { open } = await tree()
  const cases: [path: string, code: string, message: RegExp][] = [
    ['none', 'NOT_FOUND', /no directory none/],
    ['/a/none/c', 'NOT_FOUND', /no directory \/a\/none\/c/],
    ['file', 'NOT_A_DIRECTORY', /file is not a directory/],
    ['file/x', 'NOT_A_DIRECTORY', /file\/x is not a directory/],
    ['link', 'NOT_A_DIRECTORY', /not followed/],
    ['a/../file', 'INVALID_ARGUMENT', /"\.\."/],
  ]
  for (const [path, code, message] of cases) await t.rejects(open(path), { code, message }, path)
})
