// Mounts with options of their own, and without a master, whose worker is killed.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir, open, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { secondSignalMs } from '../../src/cli/limits.js'
import { listMounts, mountAt } from '../../src/fuse/mount-table.js'
import { type Cluster, cannotMount, Daemon, startCluster, until } from './harness.js'

const notRoot = process.getuid?.() !== 0 && 'only root has the binding that survives'

/** The child of the keeper; undefined while there is none. */
function workerOf({ pid }: Daemon): number | undefined {
  const [worker] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
  return worker ? Number(worker) : undefined
}

/** Kills the worker; resolves when there is another. */
async function killWorker(mount: Daemon): Promise<void> {
  const before = workerOf(mount)
  process.kill(before as number, 'SIGKILL')
  await until('there is another worker', () => ![before, undefined].includes(workerOf(mount)))
}

async function mounted(cluster: Cluster, name: string, ...more: string[]): Promise<{ mount: Daemon; path: string }> {
  const path = join(cluster.directory, name)
  await mkdir(path)
  const args = [path, '--master', cluster.masterAddress, '--log-level', 'error', ...more]
  const mount = new Daemon(name, 'leasefs-mount', () => args)
  await mount.start()
  return { mount, path }
}

t.test('a worker is replaced whatever its mount is', { skip: cannotMount || notRoot }, async t => {
  const cluster = await startCluster(t, { chunkservers: 1, goal: 1 })
  const whole = cluster.mountPoint
  await mkdir(join(whole, 'part/of/it'), { recursive: true })
  const exclusive = await mounted(cluster, 'exclusive', '--exclusive')
  const part = await mounted(cluster, 'part', '--subdir', '/part')
  const mounts = [exclusive.mount, part.mount]
  t.teardown(() => Promise.allSettled(mounts.map(mount => mount.stop())))

  // With --exclusive the kernel has what was written, and hands it over to whoever serves then.
  const file = await open(join(exclusive.path, 'file'), 'w+')
  let wanted = ''
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 50; i++) {
      const text = `round ${round}, line ${i}\n`
      await file.write(text)
      wanted += text
    }
    await killWorker(exclusive.mount)
  }
  t.equal((await file.stat()).size, wanted.length)
  await file.sync()
  t.equal(await readFile(join(whole, 'file'), 'utf8'), wanted, 'another mount reads what was synced')
  await file.write('the end')
  await killWorker(exclusive.mount)
  await file.close()
  t.equal(await readFile(join(exclusive.path, 'file'), 'utf8'), `${wanted}the end`)
  t.equal(await readFile(join(whole, 'file'), 'utf8'), `${wanted}the end`)

  // A part of the tree is the same part, also under another name.
  const shell = spawn('bash', ['--norc', '-c', 'while read -r name; do echo "$name" > "$name"; pwd; done'], {
    cwd: join(part.path, 'of'),
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.teardown(() => shell.kill('SIGKILL'))
  await killWorker(part.mount)
  shell.stdin?.write('written\n')
  await once(shell.stdout as NodeJS.ReadableStream, 'data')
  t.same((await readdir(join(whole, 'part/of'))).toSorted(), ['it', 'written'])
  t.same(await readdir(part.path), ['of'])
  t.equal((await stat(part.path)).ino, 1)

  // Without a master there is nothing to go on with, yet. The shell is a process of its own: it may wait.
  await cluster.master.kill()
  await killWorker(part.mount)
  shell.stdin?.write('late\n')
  await sleep(500)
  await cluster.master.start()
  await once(shell.stdout as NodeJS.ReadableStream, 'data')
  t.equal(await readFile(join(whole, 'part/of/late'), 'utf8'), 'late\n')
  shell.stdin?.end()
  await once(shell, 'close')

  // If there will be none, the mount can be ended all the same, and is not left behind.
  await cluster.master.kill()
  await killWorker(part.mount)
  const ended = part.mount.kill('SIGTERM')
  await sleep(secondSignalMs + 200)
  await part.mount.kill('SIGTERM')
  t.match(await ended, { code: 1 })
  t.notOk(mountAt(part.path, await listMounts()), 'it is not mounted any more')
  await cluster.master.start()
  await writeFile(join(whole, 'and'), 'so on')
})
