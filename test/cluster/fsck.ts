// leasefs fsck on real daemons: what it finds on disks that were changed behind
// their servers' backs, with servers away, and under load.

import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { blockChecksum } from '../../src/chunkserver/store/checksums.js'
import { checksumsStart, dataStart, replicaPath } from '../../src/chunkserver/store/chunk-format.js'
import { checksumBlockSize } from '../../src/constants.js'
import type { ChunkHandle } from '../../src/wire/ids.js'
import { type Cluster, cannotMount, runProgram, startCluster, until } from './harness.js'

interface Report {
  readonly exitCode: number
  readonly left: number
  readonly repaired: number
  readonly notices: number
  readonly incomplete: readonly string[]
  readonly looked: {
    readonly inodes: number
    readonly chunks: number
    readonly replicas: number
    readonly bytes: number
  }
  readonly counts: Readonly<Record<string, number>>
  readonly findings: readonly {
    readonly kind: string
    readonly text: string
    readonly path?: string
    readonly outcome: string
  }[]
}

async function fsck(cluster: Cluster, ...args: string[]): Promise<Report> {
  const outcome = await runProgram('leasefs', ['fsck', '--json', '--master', cluster.masterAddress, ...args])
  if (outcome.stdout === '') throw new Error(outcome.stderr)
  const report: Report = JSON.parse(outcome.stdout)
  if (report.exitCode !== outcome.code) throw new Error(`${report.exitCode} is printed, ${outcome.code} is returned`)
  return report
}

/** Changes a byte of a replica; with `forged`, the checksum of its block too, so that nothing looks damaged. */
function changeByte(cluster: Cluster, server: number, handle: string, block: number, forged: boolean): void {
  const path = join(cluster.dataOf(server), 'chunks', replicaPath(Number.parseInt(handle, 16) as ChunkHandle))
  const file = openSync(path, 'r+')
  const bytes = Buffer.alloc(checksumBlockSize)
  readSync(file, bytes, 0, bytes.length, dataStart + block * checksumBlockSize)
  bytes[100] = (bytes[100] ?? 0) ^ 0xff
  writeSync(file, bytes, 100, 1, dataStart + block * checksumBlockSize + 100)
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32LE(blockChecksum(bytes))
  if (forged) writeSync(file, checksum, 0, 4, checksumsStart + 4 * block)
  fsyncSync(file)
  closeSync(file)
}

t.test('fsck finds what is wrong, and says what it could not look at', { skip: cannotMount }, async t => {
  const cluster = await startCluster(t, { masterArgs: ['--maintenance', '10m'] })
  const directory = join(cluster.mountPoint, 'some')
  mkdirSync(directory)
  const content = randomBytes(200_000)
  for (const name of ['a', 'b', 'c']) writeFileSync(join(directory, name), content)
  const file = join(directory, 'a')
  execFileSync('sync', [file, join(directory, 'b'), join(directory, 'c')])

  const healthy = await fsck(cluster, '--deep')
  t.match(healthy, {
    exitCode: 0,
    left: 0,
    incomplete: [],
    findings: [],
    looked: { chunks: 3, replicas: 9, bytes: 1_800_000 },
  })

  const handleOf = async (name: string) => (await cluster.locate(join(directory, name))).chunks[0]?.handle ?? ''
  const [a, b, c] = await Promise.all(['a', 'b', 'c'].map(handleOf))
  await cluster.chunkservers[1]?.stop()
  changeByte(cluster, 1, a ?? '', 5, true)
  changeByte(cluster, 1, c ?? '', 2, false)
  const away = await fsck(cluster)
  t.equal(away.exitCode, 12, 'a server is away')
  t.match(away.incomplete, [/is not connected/])
  t.match(away.counts, { 'below-goal': 3 })
  t.match(away.findings.map(({ path }) => path).sort(), ['/some/a', '/some/b', '/some/c'])

  await cluster.chunkservers[1]?.start()
  await until('its replicas count again', async () => (await cluster.status()).chunksBelowGoal === 0)
  t.match(await fsck(cluster), { exitCode: 0 }, 'lengths and checksums are right')
  const deep = await fsck(cluster, '--deep')
  t.equal(deep.exitCode, 4)
  t.match(deep.counts, { 'corrupt-replica': 1, 'different-replicas': 1 })
  const found = (kind: string) => deep.findings.find(finding => finding.kind === kind)
  t.match(found('different-replicas'), { path: '/some/a', text: /block 5 / })
  t.match(found('corrupt-replica'), { path: '/some/c', text: /block 2 / })

  const repaired = await fsck(cluster, '--deep', '--repair')
  t.equal(repaired.exitCode, 1)
  t.ok(repaired.findings.every(({ outcome }) => outcome === 'repaired'))
  t.ok(readFileSync(file).equals(content), 'what most replicas had')

  const taken = join(cluster.dataOf(0), 'chunks', replicaPath(Number.parseInt(b ?? '', 16) as ChunkHandle))
  rmSync(taken)
  const without = await fsck(cluster)
  t.equal(without.exitCode, 4)
  t.match(without.findings, [{ kind: 'missing-replica', path: '/some/b' }])
  t.match(await fsck(cluster, '--repair'), { exitCode: 1, repaired: 1 })
  t.ok(readFileSync(taken).subarray(dataStart).equals(content), 'it was copied from another server')

  for (const server of cluster.chunkservers) await server.stop()
  const gone = await fsck(cluster)
  t.equal(gone.exitCode, 12)
  t.match(gone.counts, { 'no-replica': 3 })
  const status = await runProgram('leasefs', ['status', '--files', '--master', cluster.masterAddress])
  t.match(status.stdout, /^ +1 +0 +\d+ +\/some\/b$/m)
})

t.test('a check that cannot be made is no clean one', async t => {
  const outcome = await runProgram('leasefs', ['fsck', '--master', '127.0.0.1:1'])
  t.equal(outcome.code, 8)
  t.match(outcome.stderr, /is not reachable/)
})
