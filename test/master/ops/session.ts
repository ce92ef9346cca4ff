import t from 'tap'
import { checkAllocate } from '../../../src/master/ops/chunks.js'
import type { Ino } from '../../../src/wire/ids.js'
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

onEachStore(t, 'with a session that expires go chunks that nobody has reported', async (t, fs) => {
  for (const how of ['left', 'expired'] as const) {
    const session = await fs.startSession()
    const ino = (await fs.make(root, how)).ino as Ino
    await fs.open(ino, session)
    await fs.submit(state => checkAllocate(state, ino, [{ index: 0, replicaCount: 1 }]))
    const { freed, touched } = await fs.endSession(session, how === 'expired')
    t.same([freed.length, touched], how === 'expired' ? [1, [ino]] : [0, []], how)
  }
})
