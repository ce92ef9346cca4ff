import t from 'tap'
import { checkStart } from '../../../src/master/ops/start.js'
import { DIRECTORY, onEachStore, root } from '../harness/namespace.js'

onEachStore(t, 'the first start makes the root, each further one a new epoch', async (t, fs) => {
  const made = fs.stat(root)
  t.match(made, { ino: root, type: DIRECTORY, mode: 0o755, uid: 0, gid: 0, nlink: 2 })
  t.equal(fs.state.meta.current.masterEpoch, 1)
  await fs.tick()
  await fs.submit((state, context) => checkStart(state, { uid: 5, gid: 5 }, false, context))
  t.equal(fs.state.meta.current.masterEpoch, 2)
  t.same(fs.stat(root), made)
  t.equal(fs.state.meta.current.inodeCount, 1)
  t.equal((await fs.make(root, 'a')).ino, 2)
})

onEachStore(t, 'when records may have been lost, no number of theirs is given out again', async (t, fs) => {
  const start = (recordsLost: boolean) =>
    fs.submit((state, context) => checkStart(state, { uid: 0, gid: 0 }, recordsLost, context))
  await fs.make(root, 'a')
  await start(true)
  const [stride, inoStride] = [2 ** 32, 2 ** 20]
  t.match(fs.state.meta.current, { nextIno: inoStride + 1, nextHandle: stride + 1, nextSessionId: stride + 1 })
  await fs.make(root, 'b')
  await start(false)
  t.equal((await fs.make(root, 'c')).ino, inoStride + 2)
  await start(true)
  t.equal((await fs.make(root, 'd')).ino, 2 * inoStride + 1)
})
