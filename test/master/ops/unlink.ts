import t from 'tap'
import { onEachStore, root } from '../harness/namespace.js'

onEachStore(t, 'the last link takes the inode with it', async (t, fs) => {
  const file = await fs.make(root, 'a')
  await fs.link(file.ino, root, 'b')
  await fs.tick()
  const { touched } = await fs.unlink(root, 'a')
  t.same(touched, [root, file.ino])
  const left = fs.stat(file.ino)
  t.equal(left.nlink, 1)
  t.match(fs.stat(root), { mtime: left.ctime, ctime: left.ctime })
  await fs.unlink(root, 'b')
  t.notOk(fs.state.inodes.find(file.ino))
  t.same(fs.names(root), [])
})

onEachStore(t, 'an inode that is open lives until the last session closes it', async (t, fs) => {
  const second = await fs.startSession()
  const file = await fs.make(root, 'a', { open: true })
  await fs.open(file.ino, second)
  await fs.unlink(root, 'a')
  t.equal(fs.stat(file.ino).nlink, 0)
  await fs.close(file.ino)
  t.ok(fs.state.inodes.find(file.ino))
  await fs.close(file.ino, second)
  t.notOk(fs.state.inodes.find(file.ino))
})

onEachStore(t, 'rmdir takes an empty directory, and its link from the parent', async (t, fs) => {
  const d = await fs.makeDirectory(root, 'd')
  await fs.make(d.ino, 'a')
  await t.rejects(fs.removeDirectory(root, 'd'), { code: 'NOT_EMPTY' })
  await fs.unlink(d.ino, 'a')
  await fs.open(d.ino)
  await fs.removeDirectory(root, 'd')
  t.equal(fs.stat(root).nlink, 2)
  t.equal(fs.stat(d.ino).nlink, 0, 'it is open')
  const file = await fs.make(root, 'f')
  await t.rejects(fs.rename([root, 'f'], [d.ino, 'f']), { code: 'NOT_FOUND' }, 'it takes no entries')
  await t.rejects(fs.rename([d.ino, 'f'], [root, 'f']), { code: 'NOT_FOUND' })
  await t.rejects(fs.link(file.ino, d.ino, 'f'), { code: 'NOT_FOUND' })
  t.match(fs.read({ $case: 'readDirectory', value: { ino: d.ino, after: Buffer.alloc(0), countMax: 0 } }), {
    result: { value: { entries: [], parent: root } },
  })
  await t.rejects(fs.unlink(d.ino, 'a'), { code: 'NOT_FOUND' })
  await fs.close(d.ino)
  t.notOk(fs.state.inodes.find(d.ino))
})

onEachStore(t, 'each kind has its own way out', async (t, fs) => {
  await fs.makeDirectory(root, 'd')
  const file = await fs.make(root, 'a')
  const before = fs.dump()
  await t.rejects(fs.unlink(root, 'd'), { code: 'IS_A_DIRECTORY' })
  await t.rejects(fs.removeDirectory(root, 'a'), { code: 'NOT_A_DIRECTORY' })
  await t.rejects(fs.unlink(root, 'none'), { code: 'NOT_FOUND' })
  await t.rejects(fs.unlink(999, 'none'), { code: 'NOT_FOUND' })
  await t.rejects(fs.unlink(file.ino, 'none'), { code: 'NOT_A_DIRECTORY' })
  await t.rejects(fs.removeDirectory(root, '.'), { code: 'INVALID_ARGUMENT' })
  t.same(fs.dump(), before)
})
