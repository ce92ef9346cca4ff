import { closeSync, openSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { silentLog } from '../../../../src/base/log.js'
import { SimulatedClock } from '../../../../src/base/simulated-clock.js'
import { MemorySurvivingMap } from '../../../../src/base/surviving-map.js'
import type { Ino } from '../../../../src/client/file-system.js'
import { clientLeaseMs, rootIno } from '../../../../src/constants.js'
import { notifyCodes } from '../../../../src/fuse/bindings/kernel/protocol.js'
import { invalInodeOut, outHeader } from '../../../../src/fuse/bindings/kernel/structs.js'
import { forgetEverything, resend, UnansweredCalls } from '../../../../src/fuse/bindings/kernel/takeover.js'

/** A file in the device's place: it takes everything. */
function openFile(t: Test) {
  const path = join(t.testdir(), 'device')
  const fd = openSync(path, 'a')
  t.teardown(() => closeSync(fd))
  return { fd, messages: () => split(readFileSync(path)) }
}

function split(bytes: Buffer): { code: number; body: Buffer }[] {
  if (bytes.length === 0) return []
  const { len, error, unique } = outHeader.read(bytes)
  t.equal(unique, 0, 'a notification')
  return [{ code: error, body: bytes.subarray(outHeader.size, len) }, ...split(bytes.subarray(len))]
}

t.test('the kernel forgets all names, and the attributes of the root and of what is open', async t => {
  const { fd, messages } = openFile(t)
  await forgetEverything(fd, [10 as Ino, 11 as Ino, 10 as Ino], new SimulatedClock(), silentLog)
  const [epoch, ...inodes] = messages()
  t.equal(epoch?.code, notifyCodes.INC_EPOCH)
  t.same(
    inodes.map(({ code, body }) => [code, invalInodeOut.read(body)]),
    [rootIno, 10, 11].map(ino => [notifyCodes.INVAL_INODE, { ino, off: -1, len: 0 }]),
  )
})

t.test('a kernel that can not do that is waited for until it has forgotten by itself', async t => {
  const fd = openSync('/dev/null', 'r')
  t.teardown(() => closeSync(fd))
  const clock = new SimulatedClock()
  let done = false
  const forgetting = forgetEverything(fd, [], clock, silentLog).then(() => {
    done = true
  })
  await new Promise(resolve => setTimeout(resolve, 50))
  await clock.advance(clientLeaseMs - 1)
  t.notOk(done)
  await clock.advance(1)
  await forgetting
})

t.test('what was not answered is sent again, or the kernel says that it can not', async t => {
  const { fd, messages } = openFile(t)
  t.equal(await resend(fd), true)
  t.match(messages(), [{ code: notifyCodes.RESEND, body: Buffer.alloc(0) }])
  const readOnly = openSync('/dev/null', 'r')
  t.teardown(() => closeSync(readOnly))
  t.equal(await resend(readOnly), false)
})

t.test('calls that an earlier process has not answered are answered EIO, once', async t => {
  const map = new MemorySurvivingMap()
  const calls = new UnansweredCalls(map)
  for (const unique of [2, 4, 6]) calls.begin(unique)
  calls.end(4)
  const next = map.next()
  const answers: unknown[] = []
  const answer = ([head = Buffer.alloc(0)]: readonly Buffer[]) => answers.push(outHeader.read(head)) > 0
  new UnansweredCalls(next).failInherited({ answer })
  const error = -constants.errno.EIO
  t.same(
    answers,
    [2, 6].map(unique => ({ len: outHeader.size, error, unique })),
  )
  new UnansweredCalls(next.next()).failInherited({ answer })
  t.equal(answers.length, 2)
})
