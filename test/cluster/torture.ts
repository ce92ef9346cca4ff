// A short run of the torture (test/torture/), and what its checker sees.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { History } from '../torture/history.js'
import { record, sequenceOf } from '../torture/record.js'
import { cannotMount } from './harness.js'
import { plainNode } from './programs.js'

const onlyRoot = process.getuid?.() !== 0 && 'only root makes namespaces'
const kinds = 'kill-primary,cut-primary-secondary,kill-all-chunkservers'

t.test('a record tells what it is, and what it is not', async t => {
  const whole = record('slot', 7, 8192)
  t.equal(sequenceOf('slot', whole), 7)
  t.equal(sequenceOf('slot', whole.subarray(4096), 4096), 7, 'a page of it too')
  t.throws(() => sequenceOf('slot', whole.subarray(4096)), 'which is no beginning')
  t.throws(() => sequenceOf('other', whole))
  t.throws(() => sequenceOf('slot', Buffer.concat([whole.subarray(0, 4096), record('slot', 8, 8192).subarray(4096)])), {
    message: /number 8 .* after .*number 7 /,
  })
  t.throws(() => sequenceOf('slot', Buffer.concat([whole.subarray(0, 4096), Buffer.alloc(64)])), { message: /zeros/ })
})

t.test('whoever reads sees the newest that was acknowledged, or what is being written', async t => {
  let now = 0
  const history = new History('slot', () => ++now)
  const first = history.begin()
  history.acknowledge(first)
  const second = history.begin()
  history.see(first.sequence, ++now)
  history.acknowledge(second)
  t.throws(() => history.see(first.sequence, ++now), { message: /number 1, but 2 was acknowledged/ })
  history.see(first.sequence, second.begun)
  t.pass('unless the read began before')

  const failed = history.begin()
  history.fail(failed)
  history.see(second.sequence, ++now)
  const last = history.begin()
  history.acknowledge(last)
  t.throws(() => history.see(failed.sequence, ++now), 'what failed does not come up later')
  t.throws(() => history.see(99, ++now), { message: /never written/ })
})

t.test('of two writes at once either may come last, until one more is acknowledged', async t => {
  let now = 0
  const history = new History('slot', () => ++now)
  const [one, other] = [history.begin(), history.begin()]
  history.acknowledge(other)
  history.see(other.sequence, ++now)
  history.acknowledge(one)
  history.see(one.sequence, ++now)
  history.acknowledge(history.begin())
  t.throws(() => history.see(one.sequence, ++now))
})

t.test('a few rounds lose nothing', { skip: onlyRoot || cannotMount, timeout: 180_000 }, async t => {
  const seed = String(Date.now() % 1_000_000)
  const run = fileURLToPath(new URL('../torture/run.js', import.meta.url))
  const [env, ...node] = plainNode
  const child = spawn(env, [...node, run, '--seed', seed, '--kind', kinds], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill())
  let printed = ''
  child.stdout.on('data', text => {
    printed += text
  })
  const [code] = await once(child, 'close')
  t.equal(code, 0, `npm run torture -- --seed ${seed} --kind ${kinds}`, { printed })
  for (const kind of kinds.split(',')) t.match(printed, new RegExp(`^${kind} +1 `, 'm'), 'stands in the table')
})
