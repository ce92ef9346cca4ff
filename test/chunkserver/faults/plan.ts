import t from 'tap'
import { FaultPlan } from '../../../src/chunkserver/faults/plan.js'

function codes(plan: FaultPlan, count: number): (string | undefined)[] {
  return Array.from({ length: count }, () => plan.next('write').code)
}

t.test('without a plan nothing fails', async t => {
  for (const text of ['', ' \n', '{}']) {
    const plan = FaultPlan.parse(text)
    t.same(plan.next('read'), { delayMs: 0, code: undefined, torn: false })
    t.equal(plan.freeBytes, undefined)
  }
})

t.test('calls fail after the first so many, and no more often than they may', async t => {
  const plan = FaultPlan.parse('{"write": {"code": "IO", "after": 2, "times": 2, "torn": true, "delayMs": 5}}')
  t.same(codes(plan, 2), [undefined, undefined])
  t.same(plan.next('write'), { delayMs: 5, code: 'IO', torn: true })
  t.same(codes(plan, 3), ['IO', undefined, undefined])
  t.equal(plan.next('read').code, undefined, 'other calls are as ever')
})

t.test('some of a hundred fail, the same with the same seed', async t => {
  const some = (seed: number) =>
    codes(FaultPlan.parse(`{"seed": ${seed}, "write": {"code": "IO", "percent": 30}}`), 200)
  const failed = some(1).filter(code => code === 'IO').length
  t.ok(failed > 30 && failed < 90, `${failed} of 200`)
  t.same(some(1), some(1))
  t.not(some(1).join(), some(2).join())
})

t.test('calls without a code are slow, no more', async t => {
  const plan = FaultPlan.parse('{"sync": {"delayMs": 100}, "freeBytes": 7}')
  t.same(plan.next('sync'), { delayMs: 100, code: undefined, torn: false })
  t.equal(plan.freeBytes, 7)
})

t.test('a plan that makes no sense is refused', async t => {
  const wrong = [
    '{',
    '[]',
    'null',
    '{"wrote": {}}',
    '{"write": 5}',
    '{"write": {"code": "EIO"}}',
    '{"write": {"percent": 101}}',
    '{"write": {"delayMs": 1e9}}',
    '{"write": {"after": 0.5}}',
    '{"write": {"torn": 1}}',
    '{"write": {"often": true}}',
    '{"seed": -1}',
    '{"freeBytes": "all"}',
  ]
  for (const text of wrong) t.throws(() => FaultPlan.parse(text), { code: 'INVALID_ARGUMENT' }, text)
})
