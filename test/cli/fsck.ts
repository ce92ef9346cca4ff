import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { SystemClock } from '../../src/base/clock.js'
import { deferred } from '../../src/base/deferred.js'
import { silentLog } from '../../src/base/log.js'
import { exitCodeOf, fsckJson, fsckText } from '../../src/cli/fsck.js'
import { stream } from '../../src/rpc/control-network.js'
import { GrpcNetwork } from '../../src/rpc/grpc-network.js'
import { addressText } from '../../src/wire/address.js'
import { type FsckDone, type FsckFinding, FsckOutcome } from '../../src/wire/gen/admin.js'
import { MasterService } from '../../src/wire/gen/services.js'
import { plainNode, programFile } from '../cluster/programs.js'

const clean: FsckDone = {
  ...{ failure: undefined, incomplete: [], left: 0, repaired: 0, notices: 0 },
  ...{ inodes: 5, chunks: 3, replicas: 9, bytes: 0, kinds: [] },
}

const finding: FsckFinding = {
  ...{ kind: 'below-goal', text: 'chunk 0 has 2 of 3 replicas', ino: 7, handle: 255, path: Buffer.from('/a b') },
  ...{ outcome: FsckOutcome.FSCK_LEFT, repair: 'copy it', serverId: '' },
}

t.test('the exit code is that of fsck(8)', async t => {
  t.equal(exitCodeOf(clean), 0)
  t.equal(exitCodeOf({ ...clean, notices: 4 }), 0)
  t.equal(exitCodeOf({ ...clean, repaired: 1 }), 1)
  t.equal(exitCodeOf({ ...clean, left: 1 }), 4)
  t.equal(exitCodeOf({ ...clean, repaired: 2, left: 1, incomplete: ['a server is away'] }), 13)
})

t.test('people read lines, and the verdict last', async t => {
  t.same(fsckText({ findings: [], done: clean }).split('\n'), [
    'looked at: 5 inodes, 3 chunks, 9 replicas',
    'nothing is wrong',
  ])
  const mended = { ...finding, outcome: FsckOutcome.FSCK_REPAIRED }
  const noted = {
    ...finding,
    kind: 'stale-replica',
    path: Buffer.alloc(0),
    outcome: FsckOutcome.FSCK_NOTICE,
    repair: '',
  }
  const done = { ...clean, left: 11, repaired: 1, notices: 1, incomplete: ['server x is away'], bytes: 2048 }
  t.same(fsckText({ findings: [finding, mended, noted], done }).split('\n'), [
    'below-goal: chunk 0 has 2 of 3 replicas [/a b]; --repair would copy it',
    'below-goal: chunk 0 has 2 of 3 replicas [/a b]; repaired: copy it',
    'note: stale-replica: chunk 0 has 2 of 3 replicas',
    '... and 10 more',
    'incomplete: server x is away',
    'looked at: 5 inodes, 3 chunks, 9 replicas, 2.0 KiB read and compared',
    '1 repaired, 11 left (1 notes: they go away by themselves)',
  ])
})

t.test('programs read one object', async t => {
  const kinds = [{ kind: 'below-goal', count: 1 }]
  t.same(JSON.parse(fsckJson({ findings: [finding], done: { ...clean, left: 1, kinds } })), {
    ...{ exitCode: 4, left: 1, repaired: 0, notices: 0, incomplete: [], notListed: 0 },
    looked: { inodes: 5, chunks: 3, replicas: 9, bytes: 0 },
    counts: { 'below-goal': 1 },
    findings: [
      {
        ...{ kind: 'below-goal', text: 'chunk 0 has 2 of 3 replicas', outcome: 'left' },
        ...{ ino: 7, path: '/a b', handle: '00000000000000ff', repair: 'copy it' },
      },
    ],
  })
})

t.test('Ctrl-C ends the check at the master, too', async t => {
  const [asked, ended] = [deferred<void>(), deferred<void>()]
  const handler = stream(MasterService.fsck, served => {
    served.onMessage(() => asked.resolve())
    served.onClose(() => ended.resolve())
  })
  const server = await new GrpcNetwork(new SystemClock(), silentLog).serve({ host: '127.0.0.1', port: 0 }, [handler])
  t.teardown(() => server.close())
  const [env, ...node] = plainNode
  const args = [...node, programFile('leasefs'), 'fsck', '--master', addressText(server.address)]
  const child = spawn(env, args, { stdio: 'ignore' })
  const exited = once(child, 'exit')
  await asked.promise
  child.kill('SIGINT')
  t.same(await exited, [32, null])
  await ended.promise
})
