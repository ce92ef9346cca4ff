import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { listMounts, mountAt } from '../../src/fuse/mount-table.js'
import { unmountLazily } from '../../src/fuse/unmount.js'
import { cannotMount, leasefs, plainNode, programFile, refuses, temporaryDirectory, until } from '../cluster/harness.js'

/** `leasefs up`, run in a directory of its own. */
class Up {
  readonly directory: string
  readonly mountPoint: string
  stdout = ''
  stderr = ''
  pid = 0
  #exited: Promise<number | null> = Promise.resolve(null)

  constructor(t: Test) {
    this.directory = temporaryDirectory()
    this.mountPoint = join(this.directory, 'mnt')
    t.teardown(async () => {
      for (const pid of this.processes()) process.kill(pid, 'SIGKILL')
      if (mountAt(this.mountPoint, await listMounts())) await unmountLazily(this.mountPoint)
      rmSync(this.directory, { recursive: true, force: true })
    })
  }

  async start(...args: string[]): Promise<void> {
    this.stdout = ''
    this.stderr = ''
    const [env, ...node] = plainNode
    const child = spawn(env, [...node, programFile('leasefs'), 'up', 'mnt', '--cwd', this.directory, ...args])
    child.stdout.on('data', (bytes: Buffer) => {
      this.stdout += bytes
    })
    child.stderr.on('data', (bytes: Buffer) => {
      this.stderr += bytes
    })
    this.pid = child.pid ?? 0
    let hasExited = false
    this.#exited = new Promise(resolve => child.once('close', resolve))
    this.#exited.then(() => {
      hasExited = true
    })
    await until(`up is ready:\n${this.stderr}`, () => hasExited || this.stdout.includes('ready'), 60_000)
    if (hasExited) throw new Error(`leasefs up has ended:\n${this.stderr}`)
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    process.kill(this.pid, signal)
    return this.#exited
  }

  /** The processes of this cluster that run, and what they are. */
  processes(program = ''): number[] {
    return readdirSync('/proc')
      .filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)
      .filter(pid => {
        const line = commandLine(pid)
        return line.includes(this.directory) && line.includes('/bin/leasefs') && line.includes(program)
      })
      .map(Number)
  }
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return '' // It has ended meanwhile.
  }
}

t.test('up brings up a cluster, and a signal takes it down whole', { skip: cannotMount }, async t => {
  const up = new Up(t)
  for (const [round, signal] of (['SIGTERM', 'SIGINT'] as const).entries()) {
    await up.start()
    t.equal(up.stdout, 'leasefs: ready, mounted on mnt\n')
    const workers = process.getuid?.() === 0 ? 1 : 0
    t.equal(up.processes().length, 6 + workers, 'up, a master, three chunkservers, a mount and, for root, its worker')
    const file = join(up.mountPoint, 'file')
    if (round > 0) t.equal(readFileSync(file, 'utf8'), 'round 0', 'what was written before is there')
    writeFileSync(file, `round ${round}`)

    const status = JSON.parse(await leasefs('status', '--json', '--data', join(up.directory, 'leasefs-data')))
    t.match(status, { goal: 3, chunks: 1, clients: 1 })
    t.equal(JSON.parse(await leasefs('locate', '--json', file)).chunks[0].replicas.length, 3)

    t.equal(await up.end(signal), 0, `${signal} ends it with code 0`)
    t.same(up.processes(), [])
    t.notOk(mountAt(up.mountPoint, await listMounts()))
    t.same(readdirSync(up.mountPoint), [])
  }
})

t.test('when a process dies, up says which, and goes on', { skip: cannotMount }, async t => {
  const up = new Up(t)
  await up.start('--chunkservers', '2', '--goal', '2')
  writeFileSync(join(up.mountPoint, 'file'), 'x')
  const [pid = 0] = up.processes('chunkserver-2')
  process.kill(pid, 'SIGKILL')
  await until('it is told', () => up.stderr.includes(`chunkserver-2 (pid ${pid}) has ended: killed by SIGKILL`))
  t.equal(readFileSync(join(up.mountPoint, 'file'), 'utf8'), 'x')

  const [mount = 0] = up.processes('leasefs-mount')
  process.kill(mount, 'SIGKILL')
  await until('no dead mount stays', async () => !mountAt(up.mountPoint, await listMounts()))
  t.equal(await up.end('SIGTERM'), 0)
  t.same(up.processes(), [])
})

t.test('when up itself is killed, nothing stays behind', { skip: cannotMount }, async t => {
  const up = new Up(t)
  await up.start()
  writeFileSync(join(up.mountPoint, 'file'), 'x')
  await up.end('SIGKILL')
  await until('all have ended', () => up.processes().length === 0, 30_000)
  t.notOk(mountAt(up.mountPoint, await listMounts()))
  await up.start()
  t.equal(readFileSync(join(up.mountPoint, 'file'), 'utf8'), 'x')
  t.equal(await up.end('SIGTERM'), 0)
})

t.test('when all is killed at once, nothing hangs, and the next start goes on', { skip: cannotMount }, async t => {
  const up = new Up(t)
  await up.start()
  writeFileSync(join(up.mountPoint, 'file'), 'x')
  const ended = up.end('SIGKILL')
  // The others begin to end by themselves: also in the middle of that nothing may be left waiting.
  for (const delayMs of [0, 100]) {
    await new Promise(resolve => setTimeout(resolve, delayMs))
    for (const pid of up.processes()) process.kill(pid, 'SIGKILL')
  }
  await ended
  await until('all have ended', () => up.processes().length === 0)
  await up.start()
  t.equal(readFileSync(join(up.mountPoint, 'file'), 'utf8'), 'x')
  t.equal(await up.end('SIGTERM'), 0)
})

t.test('fewer servers than the goal is a warning', { skip: cannotMount }, async t => {
  const up = new Up(t)
  await up.start('--chunkservers', '1')
  t.match(up.stderr, /warning: goal 3 with 1 chunkservers/)
  writeFileSync(join(up.mountPoint, 'file'), 'x')
  t.equal(readFileSync(join(up.mountPoint, 'file'), 'utf8'), 'x')
  t.equal(await up.end('SIGTERM'), 0)
})

t.test('a start that fails half-way leaves nothing, and one line', { skip: cannotMount }, async t => {
  const up = new Up(t)
  await up.start()
  const others = up.processes().length
  const why = /master did not start: .*leasefs-data\/master is in use by another process/
  await refuses(t, 'leasefs', ['up', 'mnt2', '--cwd', up.directory], why)
  t.equal(up.processes().length, others, 'the first cluster goes on')
  t.equal(await up.end('SIGTERM'), 0)
})

t.test('bad input is refused, each with one line that says what is wrong', async t => {
  const up = new Up(t)
  const at = (name: string) => join(up.directory, name)
  mkdirSync(at('full/x'), { recursive: true })
  writeFileSync(at('file'), '')
  const cases: [args: string[], why: RegExp][] = [
    [[at('a'), '--bogus'], /unknown option '--bogus'/],
    [[at('a'), at('b')], /too many arguments/],
    [[at('a'), '--chunkservers', '0'], /from 1 to 64/],
    [[at('a'), '--goal', 'three'], /from 1 to 9/],
    [[at('a'), '--binding', 'x'], /Allowed choices are/],
    [[at('no/such'), '--data', at('d')], /no does not exist/],
    [[at('file'), '--data', at('d')], /is not a directory/],
    [[at('full'), '--data', at('d')], /is not empty/],
    [[at('mnt'), '--data', at('mnt/data')], /must not be on the mount point/],
  ]
  for (const [args, why] of cases) await refuses(t, 'leasefs', ['up', ...args], why)
})
