import t from 'tap'
import { onEachStore, root, SYMLINK } from '../harness/namespace.js'

onEachStore(t, 'attributes and targets are read, and may be cached', async (t, fs) => {
  const link = await fs.make(root, 'l', { type: SYMLINK, symlinkTarget: Buffer.from('target') })
  const { ino } = link
  t.same(fs.read({ $case: 'getAttributes', value: { ino } }), {
    result: { $case: 'attributes', value: link },
    cached: [ino],
  })
  t.same(fs.read({ $case: 'readLink', value: { ino } }), {
    result: { $case: 'value', value: Buffer.from('target') },
    cached: [ino],
  })
  t.throws(() => fs.read({ $case: 'readLink', value: { ino: root } }), { code: 'INVALID_ARGUMENT' })
  t.throws(() => fs.read({ $case: 'readLink', value: { ino: 999 } }), { code: 'NOT_FOUND' })
  t.throws(() => fs.read({ $case: 'getAttributes', value: { ino: 0 } }), { code: 'NOT_FOUND' })
})

onEachStore(t, 'whether another session has it open is said to who asks', async (t, fs) => {
  const second = await fs.startSession()
  const { ino } = await fs.make(root, 'f', { open: true })
  const ask = (session: number) => {
    const { result } = fs.read({ $case: 'getAttributes', value: { ino, opens: true } }, session)
    return result?.$case === 'attributes' && result.value.openElsewhere
  }
  t.same([ask(fs.session), ask(second)], [false, true])
  await fs.open(ino, second)
  t.same([ask(fs.session), ask(second)], [true, true])
  await fs.endSession(fs.session)
  t.equal(ask(second), false)
  t.equal(fs.stat(ino).openElsewhere, undefined, 'nothing of it is kept')
})
