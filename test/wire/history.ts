import t from 'tap'
import { knowsLess, type MasterStart } from '../../src/wire/history.js'

const seen = { epoch: 7, id: 'seven', index: 250 }
const start = (epoch: number, id: string, index: number) => ({ epoch, id, index })
const [six, seven] = [start(6, 'six', 40), start(7, 'seven', 100)] as const
const of = (starts: MasterStart[], index = 1000, lostEpoch = 0) => knowsLess({ starts, index, lostEpoch }, seen)

t.test('a master goes on where it was, or after further starts', async t => {
  t.notOk(of([six, seven], 250))
  t.notOk(of([six, seven, start(8, 'eight', 251)]))
  t.notOk(of([six, seven, start(8, 'eight', 251), start(9, 'nine', 260)]))
  t.notOk(of([start(20, 'x', 251), start(21, 'y', 900)]), 'as far as it is told')
})

t.test('an older copy gives itself away', async t => {
  t.ok(of([six], 90), 'of an earlier start')
  t.ok(of([six, start(7, 'another', 100)]), 'that was started as often')
  t.ok(of([six, seven], 249), 'that has the same start')
  t.ok(of([six, seven, start(8, 'eight', 250)]), 'that was made after it')
  t.ok(of([six, seven, start(8, 'eight', 180), start(9, 'nine', 900)]), 'whatever has been done with it since')
  t.ok(of([six, start(7, 'another', 100), start(8, 'eight', 800)]))
  t.ok(of([start(20, 'x', 250)]))
})

t.test('one that knows of its loss does not', async t => {
  t.notOk(of([six, start(1024, 'x', 90)], 100, 1024))
  t.notOk(of([start(1024, 'x', 90), start(1025, 'y', 120)], 130, 1024))
  t.ok(of([six, start(7, 'another', 90)], 1000, 3), 'but one that knows only of an earlier one')
})
