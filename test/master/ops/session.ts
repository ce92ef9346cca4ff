import t from 'tap'
import { onEachStore, root } from '../harness/namespace.js'

onEachStore(t, 'sessions have numbers that do not come again', async (t, fs) => {
  const second = await fs.startSession()
  t.equal(second, 2)
  t.match(fs.state.sessions.find(second), { id: 2, description: 'test 2' })
  await fs.endSession(second)
  t.equal(fs.state.sessions.find(second), undefined)
  t.equal(await fs.startSession(), 3)
})

onEachStore(t, 'the end of a session closes what it has open, and forgets its answers', async (t, fs) => {
  const second = await fs.startSession()
  const both = await fs.make(root, 'both', { open: true })
  await fs.open(both.ino, second)
  const alone = await fs.make(root, 'alone', { open: true })
  const linked = await fs.make(root, 'linked', { open: true })
  await fs.unlink(root, 'both')
  await fs.unlink(root, 'alone')
  t.ok(fs.state.answers.count(fs.session) > 0)

  await fs.endSession(fs.session)
  t.ok(fs.state.inodes.find(both.ino))
  t.notOk(fs.state.inodes.find(alone.ino))
  t.ok(fs.state.inodes.find(linked.ino))
  t.equal(fs.state.answers.count(fs.session), 0)
  t.notOk(fs.state.opens.isOpen(linked.ino))
  await fs.endSession(second)
  t.notOk(fs.state.inodes.find(both.ino))
  await t.rejects(fs.endSession(second), { code: 'SESSION_LOST' })
})

onEachStore(t, 'a session may have a great many inodes open', async (t, fs) => {
  await Promise.all(Array.from({ length: 2500 }, (_, n) => fs.make(root, `file ${n}`, { open: true })))
  await Promise.all(Array.from({ length: 2500 }, (_, n) => fs.unlink(root, `file ${n}`)))
  t.equal(fs.state.meta.current.inodeCount, 2501)
  await fs.endSession(fs.session)
  t.equal(fs.state.meta.current.inodeCount, 1)
})
