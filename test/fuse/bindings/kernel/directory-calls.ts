import { constants } from 'node:os'
import t from 'tap'
import { rootIno } from '../../../../src/constants.js'
import { direntSize } from '../../../../src/fuse/bindings/kernel/encoding.js'
import type { OpcodeName } from '../../../../src/fuse/bindings/kernel/protocol.js'
import {
  direntHead,
  entryOut,
  mknodIn,
  openOut,
  readIn,
  releaseIn,
} from '../../../../src/fuse/bindings/kernel/structs.js'
import { kernelSession, texts } from '../../harness/kernel-session.js'

const { errno } = constants

async function listing(count: number) {
  const session = await kernelSession()
  const { ask } = session
  for (let i = 0; i < count; i++) await ask('MKNOD', Buffer.concat([mknodIn.encode({ mode: 0o600 }), texts(`n${i}`)]))
  const { fh } = openOut.read((await ask('OPENDIR', Buffer.alloc(8))).body)

  async function read(opcode: OpcodeName, offset: number, size: number) {
    const { body } = await ask(opcode, readIn.encode({ fh, offset, size }))
    const entries: { name: string; off: number; nodeid: number }[] = []
    for (let at = 0; at < body.length; ) {
      const nodeid = opcode === 'READDIRPLUS' ? entryOut.read(body, at).nodeid : 0
      if (opcode === 'READDIRPLUS') at += entryOut.size
      const { namelen, off } = direntHead.read(body, at)
      const start = at + direntHead.size
      entries.push({ name: body.toString('latin1', start, start + namelen), off, nodeid })
      at += direntSize(namelen)
    }
    return entries
  }

  async function all(opcode: OpcodeName, size: number) {
    const found: Awaited<ReturnType<typeof read>> = []
    for (;;) {
      const some = await read(opcode, found.at(-1)?.off ?? 0, size)
      if (some.length === 0) return found
      found.push(...some)
    }
  }
  return { ...session, fh, read, all }
}

const expected = ['.', '..', ...Array.from({ length: 10 }, (_, i) => `n${i}`)]

t.test('in pieces of any size each entry comes once', async t => {
  const { all } = await listing(10)
  for (const size of [200, 400, 4096]) {
    for (const opcode of ['READDIR', 'READDIRPLUS'] as const) {
      t.same((await all(opcode, size)).map(({ name }) => name).sort(), [...expected].sort(), `${opcode} ${size}`)
    }
  }
})

t.test(
  'a directory is being listed from a part with attributes until the kernel asks for more, or for no more',
  async t => {
    const { read, known, ask, fh } = await listing(3)
    const isListed = () => known.isBeingListed(rootIno as Parameters<typeof known.has>[0])
    await read('READDIR', 0, 4096)
    t.notOk(isListed())
    const [last] = (await read('READDIRPLUS', 0, 4096)).slice(-1)
    t.ok(isListed())
    t.same(await read('READDIRPLUS', last?.off ?? 0, 4096), [])
    t.notOk(isListed())
    await read('READDIRPLUS', 0, 4096)
    await ask('RELEASEDIR', releaseIn.encode({ fh }))
    t.notOk(isListed())
  },
)

t.test('what comes with attributes is known to the kernel once more, but the directory and its parent', async t => {
  const { read, known } = await listing(3)
  const entries = await read('READDIRPLUS', 0, 4096)
  t.same(
    entries.slice(0, 2).map(({ nodeid }) => nodeid),
    [0, 0],
  )
  for (const { nodeid } of entries.slice(2)) {
    const ino = nodeid as Parameters<typeof known.has>[0]
    known.forgotten(ino, 1)
    t.ok(known.has(ino))
    known.forgotten(ino, 1)
    t.notOk(known.has(ino))
  }
})

t.test('handles end, and too much is not given', async t => {
  const { ask, fh } = await listing(0)
  t.equal((await ask('READDIR', readIn.encode({ fh, size: 2 ** 32 - 1 }))).errno, errno.EINVAL)
  t.equal((await ask('FSYNCDIR', Buffer.alloc(16))).errno, 0)
  t.equal((await ask('RELEASEDIR', releaseIn.encode({ fh }))).errno, 0)
  t.equal((await ask('READDIR', readIn.encode({ fh, size: 4096 }))).errno, errno.EBADF)
})
