// A mount whose worker is killed, again and again, while programs use it: they
// go on, and what they get and leave is right.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFile,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rmdir,
  stat,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { listMounts, mountAt } from '../../src/fuse/mount-table.js'
import { type Cluster, cannotMount, type Daemon, shell, startCluster, until } from './harness.js'

const notRoot = process.getuid?.() !== 0 && 'only root has the binding that survives'
const skip = cannotMount || notRoot

/** Before each kill, from when the worker serves; 0: it is killed in the middle of its start. */
const killPausesMs = [300, 1000, 0]

/** Kills the worker of the mount, whichever it is, a few times. */
async function killWorkers(mount: Daemon): Promise<void> {
  for (const pauseMs of killPausesMs) {
    if (pauseMs > 0) await promisify(execFile)('stat', ['-f', cluster.mountPoint], { timeout: 60_000 })
    await new Promise(resolve => setTimeout(resolve, pauseMs || 300))
    await until('there is a worker', () => mount.workerPid !== undefined)
    process.kill(mount.workerPid as number, 'SIGKILL')
  }
}

/** Does `work`, and again, until the worker has been killed a few times meanwhile. */
async function underKills(t: Test, mount: Daemon, work: () => Promise<unknown>): Promise<void> {
  let killed = false
  const killing = killWorkers(mount).finally(() => {
    killed = true
  })
  try {
    do await work()
    while (!killed)
  } finally {
    await killing
    if (!mount.isRunning) t.fail(`the mount has ended:\n${mount.lastLines}`)
  }
}

t.setTimeout(600_000)

let cluster: Cluster
let mount: Daemon
const at = (...names: string[]) => join(cluster.mountPoint, ...names)

t.before(async () => {
  if (skip) return
  cluster = await startCluster(t)
  mount = cluster.mounts[0] as Daemon
})

t.test('tar unpacks a tree, and all of it is there: bytes, times, modes', { skip }, async t => {
  const archive = join(cluster.directory, 'tree.tar')
  await shell('.', `tar cf ${archive} src/client src/fuse docs bin`)
  let round = 0
  await underKills(t, mount, async () => {
    const directory = at(`tar-${round++}`)
    await mkdir(directory)
    await shell(directory, `tar xf ${archive}`)
    await shell(directory, `tar df ${archive}`)
  })
})

t.test('a long read gets every byte, once', { skip }, async t => {
  const source = join(cluster.directory, 'long')
  await shell('.', `head -c 100000000 /dev/urandom > ${source}; cp ${source} ${at('long')}`)
  const wanted = (await shell('.', `sha256sum < ${source}`)).trim()
  await underKills(t, mount, async () => {
    t.equal((await shell('.', `dd if=${at('long')} bs=64k status=none | sha256sum`)).trim(), wanted)
  })
})

t.test('a long write leaves every byte, whoever syncs it or does not', { skip }, async t => {
  const source = join(cluster.directory, 'long')
  let round = 0
  await underKills(t, mount, async () => {
    const how = ['', 'conv=fsync', 'oflag=sync'][round++ % 3]
    await shell('.', `dd if=${source} of=${at('copy')} bs=256k count=80 status=none ${how}`)
    await shell('.', `cmp -n 20971520 ${source} ${at('copy')}; rm ${at('copy')}`)
  })
})

t.test('names are made, moved and removed once', { skip }, async t => {
  await mkdir(at('names'))
  let made = 0
  await underKills(t, mount, async () => {
    for (const end = made + 40; made < end; made++) {
      const name = at('names', String(made))
      await mkdir(name)
      await writeFile(join(name, 'new'), String(made), { flag: 'wx' })
      await rename(join(name, 'new'), join(name, 'kept'))
      await writeFile(join(name, 'gone'), '')
      await unlink(join(name, 'gone'))
      await mkdir(join(name, 'empty'))
      await rmdir(join(name, 'empty'))
    }
  })
  t.equal((await readdir(at('names'))).length, made)
  for (let i = 0; i < made; i++) {
    t.same(await readdir(at('names', String(i))), ['kept'])
    t.equal(await readFile(at('names', String(i), 'kept'), 'utf8'), String(i))
  }
})

t.test('a large directory is removed whole while it is read', { skip }, async t => {
  let round = 0
  await underKills(t, mount, async () => {
    const directory = at(`many-${round++}`)
    await shell('.', `mkdir ${directory}; cd ${directory}; seq 1 1500 | xargs -n 100 mkdir; rm -r ${directory}`)
  })
})

t.test('appends come once each, in order', { skip }, async t => {
  let line = 0
  const wanted: string[] = []
  await underKills(t, mount, async () => {
    for (const end = line + 150; line < end; line++) {
      wanted.push(`line ${line}\n`)
      await appendFile(at('log'), `line ${line}\n`, line % 3 === 0 ? { flag: 'as' } : {})
    }
  })
  t.equal(await readFile(at('log'), 'utf8'), wanted.join(''))
})

t.test('a file stays open, with what was written to it and removed of it', { skip }, async t => {
  await using file = await open(at('open'), 'w+')
  await unlink(at('open'))
  let size = 0
  await underKills(t, mount, async () => {
    for (let i = 0; i < 20; i++) size += (await file.write(`${i};`)).bytesWritten
    t.equal((await file.stat()).size, size)
  })
  const { buffer, bytesRead } = await file.read(Buffer.alloc(size + 1), 0, size + 1, 0)
  t.equal(bytesRead, size)
  t.ok(buffer.toString('latin1', 0, size).startsWith('0;1;2;3;'))
})

t.test('a shell goes on in its directory, and holds its lock', { skip }, async t => {
  await mkdir(at('home'))
  const script = 'exec 9>lock; flock 9; echo locked; while read -r name; do echo "$name" > "$name"; cat "$name"; done'
  const holder: ChildProcess = spawn('bash', ['--norc', '-c', script], {
    cwd: at('home'),
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.teardown(() => holder.kill('SIGKILL'))
  const says = async (text: string) => {
    const [line] = await once(holder.stdout as NodeJS.ReadableStream, 'data')
    t.equal(String(line).trim(), text)
  }
  await says('locked')
  const tryLock = () => promisify(execFile)('flock', ['-n', at('home', 'lock'), 'true'])
  for (const name of ['one', 'two']) {
    process.kill(mount.workerPid as number, 'SIGKILL')
    holder.stdin?.write(`${name}\n`)
    await says(name)
    await t.rejects(tryLock(), { code: 1 }, 'it is held')
  }
  process.kill(mount.workerPid as number, 'SIGKILL')
  holder.kill('SIGKILL')
  await once(holder, 'close')
  await until('the lock has ended with its holder', () =>
    tryLock().then(
      () => true,
      () => false,
    ),
  )
})

t.test('a worker hands over to the next, which is another process', { skip }, async t => {
  await using file = await open(at('handed-over'), 'w')
  await file.write('before ')
  const before = mount.workerPid
  process.kill(mount.pid, 'SIGUSR2')
  await until('another worker serves', () => ![before, undefined].includes(mount.workerPid))
  await file.write('after')
  t.equal(await readFile(at('handed-over'), 'utf8'), 'before after')
})

t.test('where what was left is lost, who has files open is told, and everything else goes on', { skip }, async t => {
  await writeFile(at('lost'), 'what was there')
  const file = await open(at('lost'), 'r+')
  const memory = (await readdir(`/proc/${mount.pid}/fd`)).map(fd => `/proc/${mount.pid}/fd/${fd}`)
  for (const fd of memory) if ((await readlink(fd).catch(() => '')).includes('leasefs-mount-')) await truncate(fd, 0)
  process.kill(mount.workerPid as number, 'SIGKILL')
  await t.rejects(
    file.write('x').then(() => file.sync()),
    { code: 'EIO' },
  )
  await file.close().catch(() => {})
  t.equal(await readFile(at('lost'), 'utf8'), 'what was there')
  await writeFile(at('lost'), 'something else')
})

t.test(
  'when the keeper is killed, what was written is there, and nobody waits for what was ours',
  { skip },
  async t => {
    const file = await open(at('appended'), 'a')
    await file.write('ours, ')
    await stat(cluster.mountPoint) // The kernel remembers that, also of a dead mount.
    await mount.kill()
    await file.close().catch(() => {}) // The mount is dead.
    await mount.start()
    const begun = performance.now()
    await appendFile(at('appended'), 'theirs')
    t.ok(performance.now() - begun < 20_000, 'long before the session would have run out')
    t.equal(await readFile(at('appended'), 'utf8'), 'ours, theirs')
  },
)

t.test('the mount ends as ever, and leaves nothing', { skip }, async t => {
  const worker = mount.workerPid as number
  await mount.stop()
  t.notOk(mountAt(cluster.mountPoint, await listMounts()))
  t.throws(() => process.kill(worker, 0), { code: 'ESRCH' })
  await mount.start()
  t.equal(await readFile(at('handed-over'), 'utf8'), 'before after')
})
