import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { deathIn, lingeringDeath } from '../../src/cli/lingering-death.js'

t.test('what a process died of is told from its stat', async t => {
  t.equal(deathIn({ state: 'S', waitStatus: 0 }), undefined)
  t.same(deathIn({ state: 'Z', waitStatus: 9 }), { code: null, signal: 'SIGKILL' })
  t.same(deathIn({ state: 'Z', waitStatus: 3 << 8 }), { code: 3, signal: null })
})

t.test('one that has died and is not gone is noticed, one that lives is not', async t => {
  // The shell becomes a program that never asks what became of its child.
  const parent = spawn('sh', ['-c', "sh -c 'kill -9 $$' & echo $!; exec sleep 60"])
  t.teardown(() => parent.kill('SIGKILL'))
  const printed = await new Promise<string>(resolve => parent.stdout.once('data', data => resolve(String(data))))
  const dead = Number(printed)
  const calledOff = new AbortController()
  t.teardown(() => calledOff.abort())
  const living = lingeringDeath(parent.pid ?? 0, calledOff.signal).then(() => 'dead')
  t.same(await lingeringDeath(dead, calledOff.signal), { code: null, signal: 'SIGKILL' })
  t.match(readFileSync(`/proc/${dead}/stat`, 'latin1'), / Z /)
  t.equal(await Promise.race([living, 'alive']), 'alive')
})
