import t from 'tap'
import { type Random, SeededRandom, SystemRandom } from '../../src/base/random.js'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

for (const [name, random] of Object.entries<Random>({ seeded: new SeededRandom(7), system: new SystemRandom() })) {
  t.test(`${name}: numbers lie in [0, 1) and spread`, async t => {
    const numbers = Array.from({ length: 1000 }, () => random.next())
    t.ok(numbers.every(number => number >= 0 && number < 1))
    const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length
    t.ok(mean > 0.4 && mean < 0.6, `mean ${mean}`)
  })

  t.test(`${name}: ids are UUIDs, each another`, async t => {
    const ids = Array.from({ length: 100 }, () => random.uuid())
    t.ok(ids.every(id => uuid.test(id)))
    t.equal(new Set(ids).size, ids.length)
  })
}

t.test('one seed gives one sequence', async t => {
  const take = (seed: number) => {
    const random = new SeededRandom(seed)
    return [random.next(), random.uuid(), random.next()]
  }
  t.same(take(42), take(42))
  t.notSame(take(42), take(43))
})
