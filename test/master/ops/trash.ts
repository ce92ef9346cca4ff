import t from 'tap'
import { nameLengthMax, rootIno, trashIno } from '../../../src/constants.js'
import { checkStart } from '../../../src/master/ops/start.js'
import { inoAfter, pathOf, trashName } from '../../../src/master/ops/trash.js'
import { inconsistencies } from '../harness/consistency.js'
import { DIRECTORY, type Namespace, onEachStore, root, SYMLINK } from '../harness/namespace.js'
import { trashOf, writeFile } from '../harness/trash.js'

const keeps = { trash: true }

function isConsistent(t: Tap, fs: Namespace): void {
  t.same(inconsistencies(fs.store), [])
}
type Tap = Parameters<Parameters<typeof onEachStore>[2]>[0]

onEachStore(
  t,
  'a file whose last link goes is in the trash of its owner, and everything of it',
  async (t, fs) => {
    const { ino: directory } = await fs.makeDirectory(root, 'd')
    const ino = await writeFile(fs, directory, 'f', 100)
    const before = fs.stat(ino)
    const records = fs.journal.lastIndex
    await fs.tick()
    const { freed } = await fs.unlink(directory, 'f', 7)
    t.equal(fs.journal.lastIndex, records + 1, 'one record')
    t.same(freed, [])
    t.same(trashOf(fs, 10), [`${ino}-f`])
    t.match(fs.stat(ino), { ...before, ctime: fs.stat(ino).ctime, nlink: 1, trashed: true })
    t.match(fs.state.inodes.get(ino).trash, { path: Buffer.from('/d/f'), deletedBy: 7, bytes: 100 })
    t.same(
      fs.state.trash.page(undefined, 9).map(place => place.ino),
      [ino],
    )
    t.match(fs.state.meta.current, { trashCount: 1, trashBytes: 100, chunkCount: 1 })
    t.match(fs.stat(fs.state.inodes.get(ino).trash?.directory ?? 0), { mode: 0o700, uid: 10, nlink: 2 })
    t.match(fs.stat(trashIno), { mode: 0o755, nlink: 3 })
    isConsistent(t, fs)
  },
  keeps,
)

onEachStore(
  t,
  'what no one wants back goes for good: all but files with content; and everything, if nothing is kept',
  async (t, fs) => {
    await fs.make(root, 'empty')
    await fs.make(root, 'link', { type: SYMLINK, symlinkTarget: Buffer.from('x') })
    await fs.unlink(root, 'empty')
    await fs.unlink(root, 'link')
    await fs.makeDirectory(root, 'd')
    await fs.removeDirectory(root, 'd')
    t.same([trashOf(fs, 10), fs.state.meta.current.inodeCount], [[], 1])
    const ino = await writeFile(fs, root, 'twice')
    await fs.link(ino, root, 'other')
    await fs.unlink(root, 'twice')
    t.same(trashOf(fs, 10), [], 'it has another name')
    await fs.unlink(root, 'other')
    t.same(trashOf(fs, 10), [`${ino}-other`])
    isConsistent(t, fs)
  },
  keeps,
)

onEachStore(t, 'without a trash files go for good', async (t, fs) => {
  await writeFile(fs, root, 'f')
  t.equal((await fs.unlink(root, 'f')).freed.length, 1)
  t.match(fs.state.meta.current, { trashCount: 0, inodeCount: 1 })
})

onEachStore(
  t,
  'a file that is replaced goes to the trash, one that is exchanged does not',
  async (t, fs) => {
    const old = await writeFile(fs, root, 'f')
    const fresh = await writeFile(fs, root, 'g')
    await fs.rename([root, 'f'], [root, 'g'], { exchange: true })
    t.same(trashOf(fs, 10), [])
    await fs.rename([root, 'f'], [root, 'g'], { uid: 3 })
    t.same(trashOf(fs, 10), [`${old}-g`])
    t.match(fs.state.inodes.get(old).trash, { path: Buffer.from('/g'), deletedBy: 3 })
    t.equal(fs.state.dentries.get(root, Buffer.from('g')), fresh)
    isConsistent(t, fs)
  },
  keeps,
)

onEachStore(
  t,
  'a file that is open goes there when the last session lets go, whichever way it does',
  async (t, fs) => {
    const closed = await writeFile(fs, root, 'a')
    const left = await writeFile(fs, root, 'b')
    const emptied = await writeFile(fs, root, 'c')
    const other = await fs.startSession()
    for (const ino of [closed, left, emptied]) await fs.open(ino)
    await fs.open(left, other)
    for (const name of ['a', 'b', 'c']) await fs.unlink(root, name)
    t.same([trashOf(fs, 10), fs.stat(closed).nlink], [[], 0])
    isConsistent(t, fs)
    await fs.setAttributes(emptied, { size: 0 })
    for (const ino of [emptied, left]) await fs.close(ino)
    t.same([trashOf(fs, 10), fs.state.inodes.find(emptied)], [[], undefined])
    await fs.tick()
    const { aside } = await fs.close(closed)
    t.same(aside, [closed, fs.state.inodes.get(closed).trash?.directory, trashIno], 'who looks at the trash is told')
    t.match(fs.state.inodes.get(closed).trash?.deletedAt, { seconds: 1_700_000_001 }, 'kept from then on')
    await fs.endSession(other, true)
    t.same(trashOf(fs, 10), [`${closed}-a`, `${left}-b`])
    isConsistent(t, fs)
  },
  keeps,
)

onEachStore(
  t,
  'a rename takes a file out of the trash, an unlink purges it, and nothing else can be done to it',
  async (t, fs) => {
    const kept = await writeFile(fs, root, 'a')
    const purged = await writeFile(fs, root, 'b')
    await fs.unlink(root, 'a')
    await fs.unlink(root, 'b')
    const owner = fs.state.inodes.get(kept).trash?.directory ?? 0
    const place = [owner, `${kept}-a`] as const
    const refused: Promise<unknown>[] = [
      fs.make(owner, 'x'),
      fs.make(trashIno, 'x'),
      fs.link(kept, root, 'x'),
      fs.link(kept, owner, 'x'),
      fs.rename(place, [owner, 'x']),
      fs.rename(place, [trashIno, 'x']),
      fs.rename(place, [owner, `${purged}-b`], { exchange: true }),
      fs.rename([trashIno, '10'], [root, 'x']),
      fs.removeDirectory(trashIno, '10'),
      fs.setAttributes(kept, { mode: 0 }),
      fs.setAttributes(kept, { size: 0 }),
      fs.setAttributes(owner, { mode: 0o777 }),
      fs.setAttributes(trashIno, { uid: 5 }),
      fs.change({ $case: 'written', value: { ino: kept, size: 1, mtime: undefined, usage: [] } }),
      fs.change({ $case: 'setXattr', value: xattr(kept) }),
    ]
    for (const refusal of refused) await t.rejects(refusal, { code: 'NOT_PERMITTED' })

    await fs.rename(place, [root, 'back'])
    t.match(fs.stat(kept), { nlink: 1, trashed: undefined })
    t.equal(fs.state.inodes.get(kept).trash, undefined)
    t.equal((await fs.unlink(owner, `${purged}-b`)).freed.length, 1)
    t.same([trashOf(fs, 10), fs.state.inodes.find(purged)], [[], undefined])
    t.match(fs.state.meta.current, { trashCount: 0, trashBytes: 0 })
    isConsistent(t, fs)
    await fs.unlink(root, 'back')
    t.same(trashOf(fs, 10), [`${kept}-back`], 'and again')
    isConsistent(t, fs)
  },
  keeps,
)

onEachStore(t, 'a path is that of now, from the root', async (t, fs) => {
  const a = await fs.makeDirectory(root, 'a')
  const b = await fs.make(a.ino, 'b', { type: DIRECTORY })
  const path = () => String(pathOf(fs.state, b.ino, Buffer.from('f')))
  t.equal(path(), '/a/b/f')
  await fs.rename([a.ino, 'b'], [root, 'c'])
  t.equal(path(), '/c/f')
  await fs.rename([root, 'a'], [root, 'c'], { exchange: true })
  t.equal(path(), '/a/f')
  t.equal(String(pathOf(fs.state, root, Buffer.from('f'))), '/f')
  fs.state.transaction(() => fs.state.inodes.put({ ...fs.state.inodes.get(b.ino), name: Buffer.alloc(0) }))
  t.equal(path(), '/a/f', 'also of a directory that does not know its name')

  let deep = root
  for (let i = 0; i < 20; i++) deep = (await fs.makeDirectory(deep, `${i}`.padEnd(250, '-'))).ino
  const long = String(pathOf(fs.state, deep, Buffer.from('f')))
  t.ok(long.length <= 4095 && long.length > 3800)
  t.match(long, /^[45]-+\/.*\/19-+\/f$/, 'the end of one that is too long, without a slash in front')
})

t.test('a name in the trash fits, and is cut between characters', async t => {
  const of = (name: string) => trashName(17, Buffer.from(`/d/${name}`))
  t.equal(String(of('f')), '17-f')
  t.equal(of('x'.repeat(255)).length, nameLengthMax)
  t.equal(String(of('ä'.repeat(127))), `17-${'ä'.repeat(126)}`)
  t.equal(of('\u{1f600}'.repeat(63)).toString().includes('\ufffd'), false)
})

t.test('no inode gets the number of the trash', async t => {
  t.same([inoAfter(5), inoAfter(trashIno - 1)], [6, trashIno + 1])
})

onEachStore(t, 'the trash is there from the first start, and is not counted', async (t, fs) => {
  t.match(fs.stat(trashIno), { type: DIRECTORY, nlink: 2, uid: 0 })
  t.equal(fs.state.inodes.get(trashIno).parent, rootIno)
  t.equal(fs.state.meta.current.inodeCount, 1)
  const made = fs.stat(trashIno)
  await fs.tick()
  await fs.submit((state, context) => checkStart(state, { uid: 5, gid: 5 }, false, context))
  t.same(fs.stat(trashIno), made)
})

function xattr(ino: number) {
  return { ino, name: Buffer.from('user.a'), value: Buffer.from('v'), createOnly: false, replaceOnly: false }
}
