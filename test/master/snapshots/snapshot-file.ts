import { randomFillSync } from 'node:crypto'
import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { listSnapshots, readSnapshot, seal, unpackState } from '../../../src/master/snapshots/snapshot-file.js'
import type { ClusterId } from '../../../src/wire/ids.js'
import { clusterId } from '../harness/client.js'

const stateLength = 2 ** 21 + 5000
const head = { clusterId, index: 7, takenMs: 1000 }

/** A sealed snapshot of random bytes. */
async function sealed(directory: string): Promise<{ path: string; state: Buffer }> {
  const path = join(directory, '0000000000000007.snapshot')
  const state = randomFillSync(Buffer.alloc(stateLength))
  writeFileSync(path, state)
  t.same(await seal(path, head), { ...head, stateLength })
  return { path, state }
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path)
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
  writeFileSync(path, bytes)
}

t.test('what was sealed is read, and unpacked to the byte', async t => {
  const directory = t.testdir()
  const { path, state } = await sealed(directory)
  t.same(await readSnapshot(path), { ...head, stateLength })
  const to = join(directory, 'state')
  await unpackState(path, to, clusterId)
  t.ok(readFileSync(to).equals(state))
  const other = clusterId.replace(/^./, 'f') as ClusterId
  await t.rejects(readSnapshot(path, { clusterId: other }), { code: 'WRONG_CLUSTER' })
})

t.test('a flipped bit is found, wherever it is, with its place', async t => {
  const cases: [at: number, message: RegExp][] = [
    [0, /bytes 0 to 1048575 are damaged/],
    [2 ** 20, /bytes 1048576 to 2097151 are damaged/],
    [stateLength - 1, /bytes 2097152 to 2102151 are damaged/],
    [stateLength + 3, /table of checksums is damaged/],
    [stateLength + 12 + 20, /trailer does not match/],
    [stateLength + 12, /not a whole snapshot/],
  ]
  for (const [at, message] of cases) {
    const { path } = await sealed(t.testdir())
    flip(path, at)
    await t.rejects(readSnapshot(path), { code: 'CORRUPT', message }, `byte ${at}`)
  }
})

t.test('a snapshot that was cut, or is no snapshot, is refused', async t => {
  const directory = t.testdir({ empty: '', text: 'x'.repeat(100) })
  const { path } = await sealed(directory)
  truncateSync(path, stateLength)
  for (const file of [path, join(directory, 'empty'), join(directory, 'text')]) {
    await t.rejects(readSnapshot(file), { code: 'CORRUPT' }, file)
  }
  await t.rejects(readSnapshot(join(directory, 'none')), { code: 'IO' })
})

t.test('snapshots are listed in order, and what was left half made is removed', async t => {
  const directory = t.testdir({
    '0000000000000010.snapshot': '',
    '0000000000000009.snapshot': '',
    '0000000000000008.snapshot.damaged': '',
    'snapshot.new': { 'data.mdb': '' },
  })
  t.same(
    (await listSnapshots(directory)).map(({ index }) => index),
    [9, 10],
  )
  t.notOk(existsSync(join(directory, 'snapshot.new')))
  t.same(await listSnapshots(join(directory, 'none')), [])
})
