import t from 'tap'
import { closesAtOnceMax } from '../../../src/constants.js'
import { attributesOf, onEachStore, root } from '../harness/namespace.js'

onEachStore(t, 'a session opens an inode once, and closes it once', async (t, fs) => {
  const file = await fs.make(root, 'a')
  t.same(attributesOf(await fs.open(file.ino)), file)
  const { lastIndex } = fs.journal
  t.same(attributesOf(await fs.open(file.ino)), file)
  t.equal(fs.journal.lastIndex, lastIndex, 'again: nothing to journal')
  await fs.close(file.ino)
  t.notOk(fs.state.opens.has(fs.session, file.ino))
  await fs.close(file.ino)
  t.equal(fs.journal.lastIndex, lastIndex + 1)
})

onEachStore(t, 'several are closed in one, and what is not open among them does no harm', async (t, fs) => {
  const [a, b] = [await fs.make(root, 'a', { open: true }), await fs.make(root, 'b', { open: true })]
  await fs.unlink(root, 'a')
  await fs.change({ $case: 'close', value: { inos: [a.ino, b.ino, 999, a.ino] } })
  for (const { ino } of [a, b]) t.notOk(fs.state.opens.has(fs.session, ino))
  t.throws(() => fs.stat(a.ino), { code: 'NOT_FOUND' }, 'the one without a link is gone')
  t.same(fs.stat(b.ino), b)
  const many = Array.from({ length: closesAtOnceMax + 1 }, (_, i) => i + 1)
  await t.rejects(fs.change({ $case: 'close', value: { inos: many } }), { code: 'INVALID_ARGUMENT' })
})

onEachStore(t, 'an unlinked inode may be opened while someone has it open', async (t, fs) => {
  const second = await fs.startSession()
  const file = await fs.make(root, 'a', { open: true })
  await fs.unlink(root, 'a')
  await fs.open(file.ino, second)
  await fs.close(file.ino)
  await fs.close(file.ino, second)
  await t.rejects(fs.open(file.ino), { code: 'NOT_FOUND' })
})
