import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { SystemClock } from '../../src/base/clock.js'
import { lockDirectory } from '../../src/base/directory-lock.js'
import { SystemRandom } from '../../src/base/random.js'

const clock = new SystemClock()
const random = new SystemRandom()
const lock = (path: string) => lockDirectory(path, clock, random)

t.test('of many who try at once, never two get it', async t => {
  const path = t.testdir()
  for (let round = 0; round < 10; round++) {
    const tries = await Promise.allSettled(Array.from({ length: 5 }, () => lock(path)))
    const got = tries.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
    t.ok(got.length <= 1, `${got.length} of 5`)
    await Promise.all(got.map(held => held.release()))
  }
})

t.test('two who try at once do not both go away empty-handed', async t => {
  const path = t.testdir()
  const tries = await Promise.allSettled([lock(path), lock(path)])
  const got = tries.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
  t.equal(got.length, 1)
  await got[0]?.release()
  t.same(readdirSync(join(path, 'lock')), [])
})

t.test('a path longer than a socket address is fine', { skip: process.platform !== 'linux' }, async t => {
  const path = join(t.testdir(), 'x'.repeat(200))
  mkdirSync(path)
  const held = await lock(path)
  await t.rejects(lock(path), { code: 'LOCKED' })
  await held.release()
})

t.test('a holder that is killed leaves it free, one that stands still does not', async t => {
  const path = t.testdir()
  const child = spawn(process.execPath, [...process.execArgv, '-e', holder, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')

  child.kill('SIGSTOP')
  await t.rejects(lock(path), { code: 'LOCKED' })

  child.kill('SIGKILL')
  await once(child, 'exit')
  t.equal(readdirSync(join(path, 'lock')).length, 1, 'its socket is still there')
  await (await lock(path)).release()
  t.same(readdirSync(join(path, 'lock')), [])
})

const source = (name: string) => JSON.stringify(new URL(`../../src/base/${name}`, import.meta.url).href)
const suffix = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const holder = `
  (async () => {
    const { lockDirectory } = await import(${source(`directory-lock.${suffix}`)})
    const { SystemClock } = await import(${source(`clock.${suffix}`)})
    const { SystemRandom } = await import(${source(`random.${suffix}`)})
    await lockDirectory(process.argv[1], new SystemClock(), new SystemRandom())
    console.log('held')
    setInterval(() => {}, 1000)
  })()`
