// Mounts that are in use, wait for servers, do not answer, or are dead:
// `leasefs status` says for what they wait, and `leasefs umount` takes each of
// them away.
//
// This process has no file open on a mount, nor do the programs it starts
// begin with one: a program that is started closes what it inherits, and each
// close(2) of a file that was written to waits for the servers.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { type AskedMount, askHostMount, hostMountAt } from '../../src/cli/control/host-mounts.js'
import { findRecords } from '../../src/cli/control/record.js'
import { ownUid } from '../../src/cli/control/runtime-directory.js'
import { listMounts, mountAt } from '../../src/fuse/mount-table.js'
import { openFuseDevice, ordinaryUser } from '../mount/harness/memory-mount.js'
import { type Cluster, cannotMount, type Outcome, runProgram, shell, startCluster, until } from './harness.js'

const umount = (...args: string[]): Promise<Outcome> => runProgram('leasefs', ['umount', ...args])

/** A mount of a cluster, as someone on its host sees it. */
function mountOf(cluster: Cluster, i: number) {
  const point = cluster.mountPoints[i] ?? ''
  const daemon = cluster.mounts[i]
  if (!daemon) throw new Error('the cluster has fewer mounts')
  /** As `leasefs status` asks. */
  const status = async () => {
    const mount = await hostMountAt(point)
    return mount && (await askHostMount(mount))
  }
  return {
    point,
    daemon,
    status,
    isThere: async () => mountAt(point, await listMounts()) !== undefined,
    hasEnded: () => until(`the process of ${point} has ended`, () => !daemon.isRunning),
    /** The daemon's, and that of a worker if it has one. */
    async pids(): Promise<number[]> {
      const { pid = daemon.pid } = (await status())?.record?.client ?? {}
      return [...new Set([daemon.pid, pid])]
    },
  }
}

/** A program that goes to a mount by itself, and how it ends. */
function start(t: Test, script: string, uid = ownUid()) {
  const child = spawn('bash', ['--norc', '-c', script], { cwd: '/', uid, gid: uid })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', text => (said += text))
  const ended = once(child, 'close').then(([code]) => ({ code, said }))
  t.teardown(() => child.kill('SIGKILL'))
  return { child, pid: child.pid ?? 0, ended, saysSomething: () => once(child.stdout, 'data') }
}

type Mounted = ReturnType<typeof mountOf>

/** They have ended, unless another test has begun a mount namespace meanwhile: they are mounted there still. */
async function stopServing(...mounts: readonly Mounted[]): Promise<void> {
  await Promise.all(mounts.map(({ daemon }) => daemon.stop()))
}

/** Nothing is left on the host of mounts that were taken away. */
async function leftOf({ directory, mounts }: Cluster): Promise<unknown[]> {
  const all = [...(await listMounts()), ...findRecords(ownUid()), ...findRecords(ordinaryUser.uid)]
  const left = all.filter(({ mountPoint }) => mountPoint.startsWith(directory))
  return [...left, ...mounts.filter(({ isRunning }) => isRunning)]
}

const skip =
  cannotMount || (process.getuid?.() !== 0 && 'only root has the kernel binding, and can become another user')
const oneServer = { chunkservers: 1, goal: 1 }

t.test('a mount that is in use is left as it is, or detached, and a dead one is taken away', { skip }, async t => {
  const cluster = await startCluster(t, { ...oneServer, mounts: 3 })
  const [busy, lazy, dead] = [0, 1, 2].map(i => mountOf(cluster, i)) as [Mounted, Mounted, Mounted]
  await shell(busy.point, 'echo kept > file')
  t.match(await busy.status(), { standing: 'answers', state: { connected: true, dirtyBytes: 0, waits: [] } })

  const user = start(t, `exec tail -f ${busy.point}/file`)
  await user.saysSomething()
  const refused = await umount(busy.point, '--wait', '200ms')
  t.match(refused, { code: 1, stdout: '' })
  const who = `${user.pid} \\(tail: open file ${busy.point}/file\\)`
  t.match(refused.stderr, new RegExp(`^leasefs: ${busy.point} is in use, and was left as it is: ${who}$`, 'm'))
  t.ok(await busy.isThere())
  user.child.kill()
  await user.ended
  t.match(await umount(busy.point), { code: 0, stdout: /: unmounted\n/, stderr: '' })

  const guest = start(t, `cd ${lazy.point}; echo ready; read line; cat file`)
  await guest.saysSomething()
  const still = new RegExp(`still used by .*${guest.pid} \\(bash: working directory ${lazy.point}\\)`)
  t.match(await umount(lazy.point, '--lazy'), { code: 0, stdout: still })
  t.notOk(await lazy.isThere())
  guest.child.stdin.end('\n')
  t.match(await guest.ended, { code: 0, said: 'ready\nkept\n' }, 'who is in it goes on')

  for (const pid of await dead.pids()) process.kill(pid, 'SIGKILL')
  await dead.hasEnded()
  t.match(await dead.status(), { standing: 'gone' })
  t.match(await umount(dead.point), { code: 0, stdout: /its process had ended before/, stderr: '' })

  await stopServing(busy, lazy)

  t.same(await leftOf(cluster), [])
})

t.test('whoever waits is told for what, and freed by umount --force', { skip }, async t => {
  const cluster = await startCluster(t, { ...oneServer, mounts: 4 })
  const [waiting, dirty, stopped, half] = [0, 1, 2, 3].map(i => mountOf(cluster, i)) as [
    Mounted,
    Mounted,
    Mounted,
    Mounted,
  ]
  await shell(waiting.point, 'echo kept > file')

  // Processes that do not run; and a worker that nobody replaces, nor says that it is dead.
  for (const pid of await stopped.pids()) process.kill(pid, 'SIGSTOP')
  const [keeper = 0, worker = keeper] = await half.pids()
  process.kill(keeper, 'SIGSTOP')
  process.kill(worker, 'SIGKILL')
  const readers = [stopped, half].map(({ point }) => start(t, `exec cat ${point}/file`))
  t.match(await stopped.status(), { standing: 'stopped' })
  t.match(await umount(stopped.point), { code: 1, stderr: /is stopped \(SIGSTOP\): --force does without it/ })
  const [first, second] = await Promise.all([umount(stopped.point, '--force'), umount(half.point, '--force')])
  t.match(first, { code: 0, stderr: '' }, 'the stopped ones have gone on to end in order')
  t.match(second, { code: 2, stdout: /may be lost: its process could not say/, stderr: '' })
  for (const reader of readers) t.match(await reader.ended, { code: 1 }, 'who waited has been answered')
  t.notOk((await stopped.isThere()) || (await half.isThere()))
  await Promise.all([stopped.hasEnded(), half.hasEnded()])

  // Servers are away. What was written stays in memory, for the bash that holds the file has not closed it.
  await cluster.chunkservers[0]?.kill('SIGSTOP')
  const writer = start(t, `exec 1<>${dirty.point}/file; printf %50000s; read line`)
  await until('something is written', async () => ((await dirty.status())?.state?.dirtyBytes ?? 0) > 0)
  await cluster.master.kill()
  const reader = start(t, `exec cat ${waiting.point}/file`)
  await until('it is said what is waited for', async () => {
    const state = (await waiting.status())?.state
    return state?.connected === false && state.operations.length > 0 && state.waits.length > 0
  })
  const { code, stdout, stderr } = await runProgram('leasefs', ['status', '--json', '--master', cluster.masterAddress])
  t.equal(code, 1)
  t.match(stderr, /master .* is not reachable/)
  const mounts: readonly AskedMount[] = JSON.parse(stdout).mounts
  const seen = mounts.find(({ mountPoint }) => mountPoint === waiting.point)?.state
  t.match(seen?.waits[0], { waitsFor: 'master', ageMs: Number, leftMs: Number })
  t.equal(seen?.operations[0]?.pid, reader.pid, 'who waits is told')
  const text = await runProgram('leasefs', ['status', '--master', cluster.masterAddress])
  t.match(text.stdout, new RegExp(`${waiting.point} .*master away for`))
  t.match(text.stdout, / s, \d+ s left {2}the master at .* which is away: /)

  const [nothingLost, lost] = await Promise.all([umount(waiting.point, '--force'), umount(dirty.point, '--force')])
  t.match(nothingLost, { code: 0, stderr: '' })
  t.match(await reader.ended, { code: 1 }, 'who waited has been answered')
  t.match(lost, { code: 2, stdout: /lost: \d\d\.\d KiB that had been written/ })
  writer.child.stdin.end('\n')
  await Promise.all([writer.ended, waiting.hasEnded(), dirty.hasEnded()])
  t.same(await leftOf(cluster), [])
})

t.test('an ordinary user is told, and takes away what is theirs (fuse-native)', { skip }, async t => {
  openFuseDevice(t)
  const { uid } = ordinaryUser
  const cluster = await startCluster(t, { ...oneServer, mounts: 3, user: ordinaryUser })
  const [busy, stopped, waiting] = [0, 1, 2].map(i => mountOf(cluster, i)) as [Mounted, Mounted, Mounted]
  const umountAs = (uid: number, ...args: string[]) => runProgram('leasefs', ['umount', ...args], uid)

  const user = start(t, `echo kept > ${busy.point}/file; exec tail -f ${busy.point}/file`, uid)
  await user.saysSomething()
  t.match(await umountAs(uid - 1, busy.point), { code: 1, stderr: /another user's/ })
  const who = new RegExp(`in use, and was left as it is: ${user.pid} \\(tail: open file ${busy.point}/file\\)`)
  t.match(await umountAs(uid, busy.point, '--wait', '200ms'), { code: 1, stderr: who })
  user.child.kill()
  await user.ended
  t.match(await umountAs(uid, busy.point), { code: 0, stdout: /: unmounted\n/, stderr: '' })

  await stopped.daemon.kill('SIGSTOP')
  await cluster.master.kill()
  const readers = [stopped, waiting].map(({ point }) => start(t, `exec cat ${point}/file`, uid))
  await until('it is said what is waited for', async () => {
    const state = (await waiting.status())?.state
    return state?.connected === false && state.operations.length > 0 && state.waits.length > 0
  })
  const text = await runProgram('leasefs', ['status', '--master', cluster.masterAddress], uid)
  t.match(text, { code: 1, stdout: / s, \d+ s left {2}the master at .* which is away: /, stderr: /is not reachable/ })
  const forced = await Promise.all([stopped, waiting].map(({ point }) => umountAs(uid, point, '--force')))
  for (const outcome of forced) t.match(outcome, { stdout: /unmounted/, stderr: '' })
  for (const reader of readers) t.match(await reader.ended, { code: 1 }, 'who waited has been answered')
  await Promise.all([stopped.hasEnded(), waiting.hasEnded(), stopServing(busy)])
  t.same(await leftOf(cluster), [])
})
