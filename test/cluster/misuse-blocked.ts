// Programs that wait in the kernel for servers that do not answer: whoever is
// killed, or gets a Ctrl-C, is gone in seconds, and what others did is untouched.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { bindingsHere } from '../mount/harness/memory-mount.js'
import { type Cluster, cannotMount, shell, startCluster, until } from './harness.js'

/** One for each kind of request that waits: for the master, or for chunkservers. */
const programs: Readonly<Record<string, string>> = {
  lookup: 'stat unknown',
  create: 'touch new',
  list: 'ls -l directory',
  read: 'cat cold',
  write: 'dd if=/dev/zero of=large bs=1M count=1000',
  fsync: 'dd if=/dev/zero of=synced bs=4k count=1 conv=fsync,notrunc',
  close: 'cp /etc/passwd closed',
  lock: 'flock lock true',
}

/** The kernel binding answers EINTR a second after the interrupt; a program may make two such calls before it is gone. */
const goneMsMax = 6000

/** Long enough to wait, where nothing is in the way it takes a few milliseconds. */
const waitsMs = 1500

/** libfuse 2.9 tells no one of interrupts: there the limit of the mount ends what waits. */
const timeoutMs = 4000

for (const binding of cannotMount ? [] : bindingsHere) {
  for (const signal of ['SIGKILL', 'SIGINT'] as const) {
    t.test(`${binding}: ${signal} ends programs that wait for servers`, async t => {
      const limit = binding === 'kernel' ? [] : ['--timeout', `${timeoutMs}ms`]
      const cluster = await startCluster(t, { mounts: 2, mountArgs: ['--binding', binding, ...limit] })
      await prepare(cluster)
      await freeze(cluster, 'SIGSTOP')

      const names = Object.keys(programs)
      const children = names.map(name => start(t, cluster.mountPoint, programs[name] ?? ''))
      await new Promise(resolve => setTimeout(resolve, waitsMs))
      const waiting = names.filter((_, i) => isRunning(children[i] as ChildProcess))
      t.same(waiting, names, 'all wait')

      for (const child of children) child.kill(signal)
      const msMax = binding === 'kernel' ? goneMsMax : 3 * timeoutMs
      await until('all are gone', () => !children.some(isRunning), msMax).catch(reason => {
        const left = names.filter((_, i) => isRunning(children[i] as ChildProcess))
        t.fail(`${left} wait on: ${reason.message}`)
      })

      await freeze(cluster, 'SIGCONT')
      await check(t, cluster)
    })
  }
}

async function prepare({ mountPoints }: Cluster): Promise<void> {
  const [here = '', elsewhere = ''] = mountPoints
  await shell(here, 'printf kept > kept; sync kept')
  await shell(elsewhere, 'printf cold > cold; mkdir directory; : > directory/entry; : > lock; : > synced')
}

/** Stops or continues all servers: no connection ends, and no answer comes. */
async function freeze({ master, chunkservers }: Cluster, signal: 'SIGSTOP' | 'SIGCONT'): Promise<void> {
  for (const server of [master, ...chunkservers]) await server.kill(signal)
}

/** The mount is as good as before. */
async function check(t: Test, { mountPoint, mountPoints, mounts }: Cluster): Promise<void> {
  t.equal(await readFile(join(mountPoint, 'kept'), 'utf8'), 'kept')
  t.equal(await readFile(join(mountPoint, 'cold'), 'utf8'), 'cold')
  await writeFile(join(mountPoint, 'after'), 'after')
  t.equal(await readFile(join(mountPoints[1] ?? '', 'after'), 'utf8'), 'after')
  await shell(mountPoint, 'flock -w 5 lock true; ls -l directory; rm -f large synced closed')
  for (const mount of mounts) await mount.stop()
}

/** It goes there by itself: the working directory of a process that is spawned is looked up by the one who spawns. */
function start(t: Test, directory: string, program: string): ChildProcess {
  const child = spawn('bash', ['--norc', '-c', `cd '${directory}' && exec ${program}`], { cwd: '/', stdio: 'ignore' })
  t.teardown(async () => {
    if (!isRunning(child)) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  return child
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null
}
