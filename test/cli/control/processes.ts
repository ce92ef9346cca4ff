import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { commandOf, isAlive, isStopped, processNamed } from '../../../src/cli/control/processes.js'
import { ownUid } from '../../../src/cli/control/runtime-directory.js'
import { until } from '../../cluster/programs.js'

t.test('a process is known by its number and its start, while it runs and is its user’s', async t => {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' })
  const gone = once(child, 'close')
  await once(child, 'spawn')
  const name = processNamed(child.pid ?? 0)
  if (!name) throw new Error('there is no /proc')
  await until('it runs sleep', () => commandOf(name.pid) === 'sleep')
  t.ok(isAlive(name, ownUid()))
  t.notOk(isAlive({ ...name, startTime: name.startTime + 1 }, ownUid()), 'the number has become another’s')
  t.notOk(isAlive(name, ownUid() + 1), 'another user’s')
  child.kill('SIGSTOP')
  await until('it is stopped', () => isStopped(name))
  child.kill('SIGKILL')
  await gone
  t.notOk(isAlive(name, ownUid()))
  t.notOk(isStopped(name))
  t.equal(commandOf(name.pid), '')
  t.equal(processNamed(name.pid), undefined)
})
