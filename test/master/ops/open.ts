import t from 'tap'
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

onEachStore(t, 'an unlinked inode may be opened while someone has it open', async (t, fs) => {
  const second = await fs.startSession()
  const file = await fs.make(root, 'a', { open: true })
  await fs.unlink(root, 'a')
  await fs.open(file.ino, second)
  await fs.close(file.ino)
  await fs.close(file.ino, second)
  await t.rejects(fs.open(file.ino), { code: 'NOT_FOUND' })
})
