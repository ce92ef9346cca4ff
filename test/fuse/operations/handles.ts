import t from 'tap'
import { HandleTable } from '../../../src/fuse/operations/handles.js'

t.test('a handle stands for what was opened until it is removed', async t => {
  const table = new HandleTable<string>(10)
  const { handle } = await table.add(async () => 'a')
  t.ok(handle > 0, '0 is libfuse’s "none"')
  t.equal(table.get(handle), 'a')
  t.equal(table.remove(handle), 'a')
  t.throws(() => table.get(handle), { code: 'BAD_HANDLE' })
  t.throws(() => table.remove(handle), { code: 'BAD_HANDLE' })
})

t.test('a removed number is not given again at once', async t => {
  const table = new HandleTable<string>(10)
  const first = await table.add(async () => 'a')
  table.remove(first.handle)
  const second = await table.add(async () => 'b')
  t.not(second.handle, first.handle)
})

t.test('a full table refuses before anything is opened', async t => {
  const table = new HandleTable<string>(2)
  await table.add(async () => 'a')
  const slow = table.add(() => new Promise<string>(resolve => setImmediate(resolve, 'b')))
  await t.rejects(
    table.add(() => Promise.reject(new Error('it was opened'))),
    { name: 'KernelError' },
    'also while another is being opened',
  )
  const { handle } = await slow
  table.remove(handle)
  await table.add(async () => 'c')
  t.equal(table.count, 2)
})

t.test('an open that fails takes no place', async t => {
  const table = new HandleTable<string>(1)
  await t.rejects(table.add(() => Promise.reject(new Error('no'))))
  await table.add(async () => 'a')
  t.same(table.removeAll(), ['a'])
  t.equal(table.count, 0)
})
