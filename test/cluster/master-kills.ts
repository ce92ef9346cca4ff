// The master is killed again and again under mounts in use: what was answered is
// there, once; what was open stays open, and what was locked locked.
//
// Whatever has files open is a process of its own: one that starts another
// flushes them, and that waits for the master which is to be started.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { MiB } from '../../src/base/units.js'
import { cannotMount, runTool, startCluster, until } from './harness.js'

/** How long the master is left alone after each start, before it is killed. */
const pausesMs = [700, 300, 100, 0, 500]

/** Reads and writes what it has looked at before the master went, and says how many ms each read took. */
const reader = `
import os, sys, time
fd = os.open(sys.argv[1], os.O_RDWR)
os.pread(fd, 4096, 0); os.pwrite(fd, b'y' * 4096, 0); os.fsync(fd)
print('ready', flush=True)
sys.stdin.readline()
for mebibyte in (4, 8, 12, 16):
    began = time.monotonic()
    assert os.pread(fd, 4096, mebibyte << 20) == b'x' * 4096
    print(int(1000 * (time.monotonic() - began)), flush=True)
    time.sleep(0.1)
os.pwrite(fd, b'z' * 4096, 8192)
print('wrote', flush=True)
os.fsync(fd)
print('synced', flush=True)
`

/**
 * Makes, moves, links and removes until its input ends, each step on what the ones before have left, and appends a line
 * each time; says how often. Has a file that was deleted.
 */
const worker = `
import os, select, sys
os.chdir(sys.argv[1])
me = sys.argv[2]
deleted = os.open(me + ' deleted', os.O_RDWR | os.O_CREAT | os.O_EXCL)
os.write(deleted, b'still here'); os.fsync(deleted); os.unlink(me + ' deleted')
log = os.open('log', os.O_WRONLY | os.O_CREAT | os.O_APPEND)
print('ready', flush=True)
n = 0
while not select.select([sys.stdin], [], [], 0)[0]:
    os.mkdir('%s directory' % me)
    os.close(os.open('%s new' % me, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    os.rename('%s new' % me, '%s directory/moved' % me)
    os.link('%s directory/moved' % me, '%s %d' % (me, n))
    os.unlink('%s directory/moved' % me)
    os.rmdir('%s directory' % me)
    os.write(log, b'%s %d\\n' % (me.encode(), n))
    if n % 5 == 0: os.fsync(log)
    n += 1
os.fsync(log)
print(n, os.pread(deleted, 20, 0).decode(), flush=True)
`

interface Running {
  readonly child: ChildProcess
  /** The next line it says. */
  readonly line: () => Promise<string>
}

function start(t: Test, program: string, ...args: string[]): Running {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return { child, line: async () => (await lines.next()).value ?? '' }
}

t.test('mounts go on while the master is killed again and again', { skip: cannotMount }, async t => {
  const masterArgs = ['--snapshot-bytes', '8192']
  const cluster = await startCluster(t, { mounts: 2, chunkservers: 2, goal: 2, masterArgs })
  const { master } = cluster
  const [one = '', other = ''] = cluster.mountPoints
  await writeFile(join(one, 'large'), Buffer.alloc(24 * MiB, 'x'), { flush: true })
  await writeFile(join(one, 'locked'), '')
  await mkdir(join(one, 'work'))

  // For a while what a mount knows is enough to read, and to write.
  const looking = start(t, 'python3', '-c', reader, join(other, 'large'))
  t.equal(await looking.line(), 'ready')
  await master.kill()
  const killedAt = BigInt(Date.now()) * 1_000_000n
  looking.child.stdin?.write('\n')
  for (let n = 0; n < 4; n++) t.ok(Number(await looking.line()) < 1000, 'it is read at once')
  t.equal(await looking.line(), 'wrote')
  const applied = () => cluster.events('apply.done').some(event => event.t > killedAt)
  await until('what is written is applied while there is no master', applied)
  await master.start()
  t.equal(await looking.line(), 'synced')

  const holding = start(t, 'flock', join(one, 'locked'), '-c', 'echo held; exec cat')
  t.equal(await holding.line(), 'held')
  const waiting = start(t, 'flock', join(other, 'locked'), '-c', 'echo had; exec cat')
  const had = waiting.line()
  const working = ['a', 'b'].map((me, i) =>
    start(t, 'python3', '-c', worker, join(cluster.mountPoints[i] ?? '', 'work'), me),
  )
  for (const { line } of working) t.equal(await line(), 'ready')
  for (const pause of pausesMs) {
    await sleep(pause)
    await master.kill()
    await master.start()
    t.equal((await runTool('flock', ['-n', join(other, 'locked'), 'true'])).code, 1, 'the lock is held')
  }

  const expected: string[] = []
  for (const [i, { child, line }] of working.entries()) {
    child.stdin?.end()
    const [, count = '', deleted] = /^(\d+) (.*)$/.exec(await line()) ?? []
    t.equal(deleted, 'still here')
    t.ok(Number(count) > 0, `${count} rounds`)
    for (let n = 0; n < Number(count); n++) expected.push(`${'ab'[i]} ${n}`)
  }
  for (const mount of cluster.mountPoints) {
    const found = (await readdir(join(mount, 'work'))).filter(name => name !== 'log')
    t.same(found.toSorted(), expected.toSorted(), 'every name that was answered, and no other')
    const lines = (await readFile(join(mount, 'work/log'), 'utf8')).trimEnd().split('\n')
    t.same(lines.toSorted(), expected.toSorted(), 'every line, once')
  }

  holding.child.stdin?.end()
  t.equal(await had, 'had', 'who waited for the lock all the time has it when it is given up')
})
