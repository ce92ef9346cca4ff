import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { plainNode, programFile, temporaryDirectory } from '../cluster/harness.js'

interface Master {
  readonly process: ChildProcessWithoutNullStreams
  readonly printed: { stdout: string; stderr: string }
  readonly exit: Promise<unknown[]>
}

/** A master, as the simplest daemon there is, once it is ready. */
async function startMaster(t: Test, ...args: string[]): Promise<Master> {
  const directory = temporaryDirectory()
  const [env, ...node] = plainNode
  const all = [...node, programFile('leasefs-master'), '--data', join(directory, 'data'), '--listen', '127.0.0.1:0']
  const child = spawn(env, [...all, ...args])
  const printed = { stdout: '', stderr: '' }
  child.stdout.on('data', (bytes: Buffer) => {
    printed.stdout += bytes
  })
  child.stderr.on('data', (bytes: Buffer) => {
    printed.stderr += bytes
  })
  const exit = once(child, 'close')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await exit
    rmSync(directory, { recursive: true, force: true })
  })
  await once(child.stdout, 'data')
  return { process: child, printed, exit }
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  t.test(`${signal} ends a daemon in order, with exit code 0`, async t => {
    const master = await startMaster(t)
    master.process.kill(signal)
    t.same(await master.exit, [0, null])
  })
}

t.test('stdout has the one line "ready", stderr the log as JSON', async t => {
  const master = await startMaster(t, '--log-level', 'info')
  master.process.kill('SIGTERM')
  await master.exit
  t.match(master.printed.stdout, /^leasefs-master: ready, listening on 127\.0\.0\.1:\d+, cluster [0-9a-f-]{36}\n$/)
  const lines = master.printed.stderr.trimEnd().split('\n')
  for (const line of lines) t.match(JSON.parse(line), { name: 'leasefs-master', level: Number, msg: String })
  t.match(master.printed.stderr, /"why":"SIGTERM","msg":"stopping"/)
})

t.test('a second signal right after the first is the same Ctrl-C', async t => {
  const master = await startMaster(t)
  master.process.kill('SIGINT')
  master.process.kill('SIGINT')
  t.same(await master.exit, [0, null])
})

t.test('a daemon that was told to goes when its standard input ends', async t => {
  const master = await startMaster(t, '--exit-with-parent', '50ms')
  master.process.stdin.end()
  t.same(await master.exit, [0, null])
})

t.test('a daemon by itself does not care about its standard input, nor about who reads its output', async t => {
  const master = await startMaster(t)
  master.process.stdin.end()
  master.process.stdout.destroy()
  master.process.stderr.destroy()
  const ended = await Promise.race([master.exit, new Promise(resolve => setTimeout(resolve, 500, 'serves'))])
  t.equal(ended, 'serves')
  master.process.kill('SIGTERM')
  t.same(await master.exit, [0, null])
})
