import t from 'tap'
import { SimulatedClock } from '../../../src/base/simulated-clock.js'
import { Commands } from '../../../src/master/chunks/commands.js'
import { commandsOutstandingMax } from '../../../src/master/chunks/limits.js'

const timeoutMs = 2_000

t.test('each command has its own number and its own answer', async t => {
  const commands = new Commands(new SimulatedClock())
  const sent: number[] = []
  const one = commands.give(timeoutMs, number => sent.push(number))
  const two = commands.give(timeoutMs, number => sent.push(number))
  t.same(sent, [1, 2])
  commands.done({ number: 2, failure: { code: 'NO_SPACE', message: 'full' } })
  commands.done({ number: 1, failure: undefined })
  await t.resolves(one)
  await t.rejects(two, { code: 'NO_SPACE', message: 'full' })
})

t.test('a command without an answer ends', async t => {
  const clock = new SimulatedClock()
  const commands = new Commands(clock)
  const lost = commands.give(timeoutMs, () => {})
  lost.catch(() => {})
  await clock.advance(timeoutMs)
  await t.rejects(lost, { code: 'TIMEOUT' })
  commands.done({ number: 1, failure: undefined }) // Too late: nobody minds.
  commands.done({ number: 99, failure: undefined })
})

t.test('commands end with their session', async t => {
  const commands = new Commands(new SimulatedClock())
  const given = [commands.give(timeoutMs, () => {}), commands.give(timeoutMs, () => {})]
  commands.close()
  for (const command of given) await t.rejects(command, { code: 'TIMEOUT' })
})

t.test('a bounded number is under way', async t => {
  const commands = new Commands(new SimulatedClock())
  const given = Array.from({ length: commandsOutstandingMax }, () => commands.give(timeoutMs, () => {}))
  await t.rejects(
    commands.give(timeoutMs, () => t.fail('not sent')),
    { code: 'UNAVAILABLE' },
  )
  commands.done({ number: 1, failure: undefined })
  const next = commands.give(timeoutMs, () => t.pass('sent again'))
  commands.close()
  await Promise.allSettled([...given, next])
})
