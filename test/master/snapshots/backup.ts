import { randomFillSync } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { SystemClock } from '../../../src/base/clock.js'
import type { LeasefsError } from '../../../src/base/errors.js'
import { silentLog } from '../../../src/base/log.js'
import { type BackupOptions, backupHandler } from '../../../src/master/snapshots/backup.js'
import { backupsMax, backupWindow } from '../../../src/master/snapshots/limits.js'
import { MemoryControlNetwork } from '../../../src/rpc/memory-network.js'
import type { BackupReply } from '../../../src/wire/gen/admin.js'
import { MasterService } from '../../../src/wire/gen/services.js'
import { clusterId } from '../harness/client.js'

const clock = new SystemClock()

async function serve(snapshots: BackupOptions['snapshots']) {
  const network = new MemoryControlNetwork(clock)
  const server = await network.serve({ host: '127.0.0.1', port: 0 }, [
    backupHandler({ clusterId, snapshots, clock, log: silentLog }),
  ])
  const peer = network.connect(server.address)
  const begin = () => {
    const stream = peer.open(MasterService.backup)
    const replies: BackupReply['message'][] = []
    let heard = () => {}
    stream.onMessage(({ message }) => {
      replies.push(message)
      heard()
    })
    const closed = new Promise<LeasefsError>(resolve => stream.onClose(resolve))
    const ask = async () => {
      const reply = new Promise<void>(resolve => {
        heard = resolve
      })
      stream.send({})
      await reply
      return replies.at(-1)
    }
    return { stream, replies, closed, ask }
  }
  const close = async () => {
    peer.close()
    await server.close()
  }
  return { begin, close }
}

/** One snapshot, in a file. */
function oneSnapshot(path: string) {
  return { take: async () => ({ path, index: 7 }) }
}

t.test('a backup is the snapshot, piece by piece, also when the file is deleted meanwhile', async t => {
  const path = join(t.testdir(), 'snapshot')
  const bytes = randomFillSync(Buffer.alloc(2 ** 21 + 77))
  writeFileSync(path, bytes)
  const { begin, close } = await serve(oneSnapshot(path))
  const { stream, ask } = begin()
  t.same(await ask(), { $case: 'begun', value: { clusterId, index: 7, bytes: bytes.length } })
  rmSync(path)
  const pieces: Buffer[] = []
  for (let n = 0; n < 3; n++) {
    const reply = await ask()
    if (reply?.$case === 'piece') pieces.push(reply.value)
  }
  t.ok(Buffer.concat(pieces).equals(bytes))
  t.match(await ask(), { $case: 'piece', value: Buffer.alloc(0) }, 'there is no more')
  stream.close()
  await close()
})

t.test('who asks for more than may be under way is cut off', async t => {
  const path = join(t.testdir({ snapshot: 'x' }), 'snapshot')
  const { begin, close } = await serve(oneSnapshot(path))
  const { stream, closed, replies } = begin()
  for (let n = 0; n <= backupWindow; n++) stream.send({})
  t.match(await closed, { code: 'INVALID_ARGUMENT' })
  t.ok(replies.length <= backupWindow)
  await close()
})

t.test('only so many are made at a time, and one that ends makes room', async t => {
  const path = join(t.testdir({ snapshot: readFileSync('package.json', 'utf8') }), 'snapshot')
  const { begin, close } = await serve(oneSnapshot(path))
  const all = Array.from({ length: backupsMax }, begin)
  for (const { ask } of all) t.match(await ask(), { $case: 'begun' })
  const refused = begin()
  refused.stream.send({})
  t.match(await refused.closed, { code: 'UNAVAILABLE' })
  all[0]?.stream.close()
  await all[0]?.closed
  await clock.sleep(10)
  t.match(await begin().ask(), { $case: 'begun' })
  await close()
})

t.test('a master without a disk has no backups, and a missing file is an error', async t => {
  const none = await serve(undefined)
  const first = none.begin()
  first.stream.send({})
  t.match(await first.closed, { code: 'NOT_SUPPORTED' })
  await none.close()

  const missing = await serve(oneSnapshot('/does/not/exist'))
  const second = missing.begin()
  second.stream.send({})
  t.match(await second.closed, { code: 'IO' })
  await missing.close()
})
