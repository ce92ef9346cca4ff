import t from 'tap'
import { linkCountMax } from '../../../src/constants.js'
import { onEachStore, root } from '../harness/namespace.js'

onEachStore(t, 'a link is a further name of the inode', async (t, fs) => {
  const d = await fs.makeDirectory(root, 'd')
  const file = await fs.make(root, 'a')
  await fs.tick()
  const linked = await fs.link(file.ino, d.ino, 'b')
  t.same(linked, { ...file, nlink: 2, ctime: linked.ctime })
  t.notSame(linked.ctime, file.ctime)
  t.match(fs.stat(d.ino), { mtime: linked.ctime, ctime: linked.ctime, nlink: 2 })
  t.equal(fs.state.dentries.find(d.ino, Buffer.from('b')), file.ino)
})

onEachStore(t, 'what cannot be linked is refused', async (t, fs) => {
  const d = await fs.makeDirectory(root, 'd')
  const file = await fs.make(root, 'a')
  const unlinked = await fs.make(root, 'gone', { open: true })
  await fs.unlink(root, 'gone')
  const removed = await fs.makeDirectory(root, 'removed')
  await fs.open(removed.ino)
  await fs.removeDirectory(root, 'removed')
  const before = fs.dump()
  const cases: [ino: number, parent: number, name: string, code: string][] = [
    [999, root, 'x', 'NOT_FOUND'],
    [file.ino, 999, 'x', 'NOT_FOUND'],
    [file.ino, removed.ino, 'x', 'NOT_FOUND'],
    [d.ino, root, 'a', 'ALREADY_EXISTS'],
    [file.ino, file.ino, 'x', 'NOT_A_DIRECTORY'],
    [file.ino, root, 'a', 'ALREADY_EXISTS'],
    [d.ino, root, 'x', 'NOT_PERMITTED'],
    [unlinked.ino, root, 'x', 'NOT_FOUND'],
    [file.ino, root, '..', 'INVALID_ARGUMENT'],
  ]
  for (const [ino, parent, name, code] of cases) await t.rejects(fs.link(ino, parent, name), { code })
  t.same(fs.dump(), before)
})

onEachStore(t, 'an inode has a limited number of links', async (t, fs) => {
  const { ino } = await fs.make(root, 'a')
  fs.state.transaction(() => fs.state.inodes.change(ino, { nlink: linkCountMax - 1 }))
  t.equal((await fs.link(ino, root, 'b')).nlink, linkCountMax)
  await t.rejects(fs.link(ino, root, 'c'), { code: 'TOO_MANY_LINKS' })
})
