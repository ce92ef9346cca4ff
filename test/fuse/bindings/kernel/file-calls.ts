import { constants as fileConstants } from 'node:fs'
import { constants } from 'node:os'
import t from 'tap'
import { fileSizeMax } from '../../../../src/constants.js'
import { openReplyFlags } from '../../../../src/fuse/bindings/kernel/protocol.js'
import {
  createIn,
  entryOut,
  fallocateIn,
  lseekIn,
  lseekOut,
  openIn,
  openOut,
  readIn,
  writeIn,
  writeOut,
} from '../../../../src/fuse/bindings/kernel/structs.js'
import { kernelSession, texts } from '../../harness/kernel-session.js'

const { errno } = constants
const readWrite = 2

async function openFile(options: { readonly exclusive?: boolean; readonly flags?: number } = {}) {
  const session = await kernelSession(options)
  const { flags = readWrite } = options
  const { body } = await session.ask('CREATE', Buffer.concat([createIn.encode({ flags, mode: 0o640 }), texts('f')]))
  const { nodeid: ino } = entryOut.read(body)
  const { fh } = openOut.read(body, entryOut.size)
  const write = (offset: number, text: string) =>
    session.ask('WRITE', Buffer.concat([writeIn.encode({ fh, offset, size: text.length }), Buffer.from(text)]), { ino })
  const read = (offset: number, size: number) => session.ask('READ', readIn.encode({ fh, offset, size }), { ino })
  return { ...session, fh, ino, read, write }
}

t.test('what is written is read', async t => {
  const { read, write, known, ino } = await openFile()
  t.equal(known.inodes()[1], ino)
  t.same(writeOut.read((await write(2, 'text')).body), { size: 4, padding: 0 })
  t.equal(String((await read(0, 100)).body), '\0\0text')
  t.equal(String((await read(3, 2)).body), 'ex')
  t.equal((await read(6, 100)).body.length, 0)
})

t.test('beyond the largest file: nothing is there, and nothing can be', async t => {
  const { read, write } = await openFile()
  for (const offset of [fileSizeMax, 2 ** 53, 2 ** 62, 2 ** 63]) {
    t.equal((await write(offset, 'x')).errno, errno.EFBIG, `writing at ${offset}`)
    t.same(await read(offset, 4096), { errno: 0, body: Buffer.alloc(0) }, `reading at ${offset}`)
  }
  t.equal((await write(fileSizeMax - 1, 'xy')).errno, errno.EFBIG)
  t.equal((await write(fileSizeMax - 1, 'x')).errno, 0)
  t.equal(String((await read(fileSizeMax - 1, 4096)).body), 'x')
})

t.test('a write without the bytes that it announces', async t => {
  const { ask, fh, read } = await openFile()
  const { errno: refused } = await ask('WRITE', Buffer.concat([writeIn.encode({ fh, size: 5 }), Buffer.from('four')]))
  t.equal(refused, errno.EINVAL)
  t.equal((await read(0, 10)).body.length, 0)
})

t.test('a handle that is none', async t => {
  const { ask } = await openFile()
  for (const fh of [0, 77, 2 ** 53, 2 ** 64]) {
    t.equal((await ask('READ', readIn.encode({ fh, size: 1 }))).errno, errno.EBADF, `${fh}`)
  }
})

t.test('holes are found, and room is taken', async t => {
  const { ask, fh, write } = await openFile()
  await write(0, 'data')
  const found = await ask('LSEEK', lseekIn.encode({ fh, offset: 0, whence: 4 }))
  t.ok(lseekOut.read(found.body).offset >= 4)
  t.equal((await ask('LSEEK', lseekIn.encode({ fh, offset: -1, whence: 3 }))).errno, errno.ENXIO)
  t.equal((await ask('LSEEK', lseekIn.encode({ fh, offset: 2 ** 62, whence: 3 }))).errno, errno.ENXIO)
  t.equal((await ask('FALLOCATE', fallocateIn.encode({ fh, offset: 0, length: 10 }))).errno, 0)
  t.equal((await ask('FALLOCATE', fallocateIn.encode({ fh, offset: 2 ** 62, length: 1 }))).errno, errno.EFBIG)
  t.equal((await ask('FALLOCATE', fallocateIn.encode({ fh, mode: 0x80, length: 1 }))).errno, errno.EOPNOTSUPP)
})

t.test('a kernel that holds writes back says itself where they go, and reads what it writes a part of', async t => {
  const writeOnly = 1
  const append = 0o2000
  const { read, write } = await openFile({ exclusive: true, flags: writeOnly | append })
  await write(0, 'first')
  await write(0, 'F')
  t.equal(String((await read(0, 100)).body), 'First')

  const shared = await openFile({ flags: writeOnly | append })
  await shared.write(0, 'first')
  await shared.write(0, 'second')
  t.equal((await shared.read(0, 100)).errno, errno.EBADF)
  const reader = await shared.ask('OPEN', openIn.encode({ flags: 0 }), { ino: shared.ino })
  const { fh } = openOut.read(reader.body)
  t.equal(String((await shared.ask('READ', readIn.encode({ fh, size: 100 }))).body), 'firstsecond')
})

t.test('what is appended goes past the pages of the kernel, unless it holds writes back', async t => {
  const direct = async (flags: number, options = {}) => {
    const { ask, ino } = await openFile(options)
    return (
      (openOut.read((await ask('OPEN', openIn.encode({ flags }), { ino })).body).openFlags &
        openReplyFlags.DIRECT_IO) !==
      0
    )
  }
  t.ok(await direct(fileConstants.O_WRONLY | fileConstants.O_APPEND))
  t.notOk(await direct(fileConstants.O_WRONLY))
  t.notOk(await direct(fileConstants.O_WRONLY | fileConstants.O_APPEND, { exclusive: true }))
})

t.test('pages are kept over an open, but for the first read after a change', async t => {
  const { ask, write, ino, clock } = await openFile()
  await clock.advance(1)
  await write(0, 'x')
  const kept = async () =>
    (openOut.read((await ask('OPEN', openIn.encode({}), { ino })).body).openFlags & openReplyFlags.KEEP_CACHE) !== 0
  t.notOk(await kept(), 'its access time is due: the read must be seen')
})
