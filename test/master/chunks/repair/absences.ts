import t from 'tap'
import { Absences } from '../../../../src/master/chunks/repair/absences.js'
import { absencesMax, flapMs } from '../../../../src/master/chunks/repair/limits.js'
import type { ServerId } from '../../../../src/wire/ids.js'

const [a, b] = ['a', 'b'] as ServerId[] as [ServerId, ServerId]
const make = () => new Absences({ startedAt: 0, repairDelayMs: 60, maintenanceMs: 1000 })

t.test('a master that has just started waits for everyone', async t => {
  const absences = make()
  t.same([absences.silentUntil, absences.holdsUntil], [60, 60])
  absences.waive()
  t.same([absences.silentUntil, absences.holdsUntil], [-Infinity, -Infinity])
})

t.test('a server that vanished is waited for until it is back, or nobody wants to wait', async t => {
  const absences = make()
  absences.gone(a, 'dead', 500)
  t.equal(absences.holdsUntil, 560)
  absences.gone(b, 'dead', 520)
  t.equal(absences.holdsUntil, 580)
  absences.back(b)
  t.equal(absences.holdsUntil, 560)
  absences.waive(a)
  t.equal(absences.holdsUntil, 60)
  t.equal(absences.expectedUntil(a, 500), undefined)
})

t.test('who vanishes again and again is waited for once', async t => {
  const absences = make()
  absences.gone(a, 'dead', 500)
  absences.back(a)
  absences.gone(a, 'dead', 550)
  t.equal(absences.holdsUntil, 560)
  absences.back(a)
  absences.gone(a, 'dead', 500 + flapMs)
  t.equal(absences.holdsUntil, 560 + flapMs)
})

t.test('a server that said goodbye is expected back within its maintenance, and holds up nothing', async t => {
  const absences = make()
  absences.gone(a, 'left', 500)
  t.equal(absences.holdsUntil, 60)
  t.equal(absences.expectedUntil(a, 1499), 1500)
  t.equal(absences.expectedUntil(a, 1500), undefined)
  absences.back(a)
  t.equal(absences.expectedUntil(a, 600), undefined)
  absences.gone(a, 'left', 700)
  absences.waive()
  t.equal(absences.expectedUntil(a, 701), undefined)
})

t.test('a bounded number is remembered', async t => {
  const absences = make()
  for (let i = 0; i <= absencesMax; i++) absences.gone(`s${i}` as ServerId, 'left', 500)
  t.equal(absences.expectedUntil('s0' as ServerId, 501), undefined)
  t.equal(absences.expectedUntil('s1' as ServerId, 501), 1500)
})
