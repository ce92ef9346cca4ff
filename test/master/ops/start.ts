import t from 'tap'
import { checkForgetLost, checkStart } from '../../../src/master/ops/start.js'
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

onEachStore(t, 'what may have been lost is remembered, until an operator does not want it', async (t, fs) => {
  const start = (recordsLost: boolean) =>
    fs.submit((state, context) => checkStart(state, { uid: 0, gid: 0 }, recordsLost, context))
  const meta = () => fs.state.meta.current
  t.match(meta(), { masterEpoch: 1, starts: [{ epoch: 1, index: 1 }], lostEpoch: 0, lostHandles: [] })
  await start(true)
  const stride = 2 ** 32
  t.match(meta(), {
    masterEpoch: 1024,
    starts: [
      { epoch: 1, index: 1 },
      { epoch: 1024, index: 3 },
    ],
    lostEpoch: 1024,
  })
  t.same(meta().lostHandles, [{ from: 1, to: stride + 1 }])
  await start(false)
  t.match(meta(), { masterEpoch: 1025, lostEpoch: 1024 })
  for (let i = 0; i < 64; i++) await start(true)
  t.equal(meta().lostHandles.length, 64)
  t.same(meta().lostHandles[0], { from: 1, to: 2 * stride + 1 }, 'the oldest are taken together')
  t.equal(meta().masterEpoch, 65 * 1024)
  t.same([meta().starts.length, meta().starts.at(-1)], [16, { epoch: 65 * 1024, id: '', index: 68 }])
  await fs.submit((state, context) => checkStart(state, { uid: 0, gid: 0 }, false, context, 'name'))
  t.equal(meta().starts.at(-1)?.id, 'name')
  await fs.submit(checkForgetLost)
  t.same(meta().lostHandles, [])
  t.match(checkForgetLost(fs.state), { kind: 'answer' })
})
