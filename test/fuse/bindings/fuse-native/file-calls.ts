import { constants as fs } from 'node:fs'
import { constants } from 'node:os'
import t from 'tap'
import type { LibfuseMemory } from '../../../../src/fuse/bindings/fuse-native/libfuse-memory.js'
import { memoryContext } from '../../harness/memory-context.js'

const { errno } = constants

t.test('reads and writes are answered with a count, and with the buffer they came in', async t => {
  const { ask } = memoryContext()
  const [created, handle] = await ask('create', '/f', 0o100644)
  t.equal(created, 0)
  const data = Buffer.from('hello')
  const [written, , sent] = await ask('write', '/f', handle, data, 5, 1, 1)
  t.same([written, sent === data.buffer], [5, true])
  const buffer = Buffer.alloc(10)
  const [count, , filled] = await ask('read', '/f', handle, buffer, 10, 0, 1)
  t.same([count, filled === buffer.buffer, String(buffer)], [6, true, '\0hello\0\0\0\0'])
  const [failed, , returned] = await ask('read', '/f', handle + 1, buffer, 10, 0, 0)
  t.same([failed, returned === buffer.buffer], [-errno.EBADF, true])
})

t.test('pieces of a read are laid one after another', async t => {
  const { ask } = memoryContext()
  const [, handle] = await ask('create', '/f', 0o100644)
  const data = Buffer.alloc(40_000, 'abc')
  await ask('write', '/f', handle, data, data.length, 0, 0)
  const buffer = Buffer.alloc(40_000)
  t.equal((await ask('read', '/f', handle, buffer, 40_000, 0, 0))[0], 40_000)
  t.ok(buffer.equals(data))
})

t.test('create opens with the flags of the open, if they can be had', async t => {
  const flags = fs.O_WRONLY | fs.O_CREAT | fs.O_EXCL
  const memory = { createFlags: () => flags } as unknown as LibfuseMemory
  const { ask } = memoryContext({ memory })
  const [, handle] = await ask('create', '/f', 0o100644)
  t.equal((await ask('read', '/f', handle, Buffer.alloc(1), 1, 0, 0))[0], -errno.EBADF, 'not for reading')
  t.same(await ask('create', '/f', 0o100644), [-errno.EEXIST, 0])
  const unknown = memoryContext({ memory: { createFlags: () => undefined } as unknown as LibfuseMemory })
  await unknown.ask('create', '/f', 0o100644)
  t.equal((await unknown.ask('create', '/f', 0o100644))[0], 0, 'without them, what is there is opened')
})

t.test('open, flush, fsync and release go by the handle', async t => {
  const { ask, operations } = memoryContext()
  await ask('create', '/f', 0o100644)
  const [, handle] = await ask('open', '/f', fs.O_RDWR)
  t.equal((await ask('flush', '/f', handle))[0], 0)
  t.equal((await ask('fsync', '/f', 1, handle))[0], 0)
  t.equal((await ask('release', '-', handle))[0], 0)
  t.equal((await ask('release', '-', handle))[0], -errno.EBADF)
  t.equal(operations.files.openCount, 1)
  t.same(await ask('open', '/missing', fs.O_RDONLY), [-errno.ENOENT, 0])
})
