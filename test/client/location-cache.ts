import t from 'tap'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import { LocationCache } from '../../src/client/location-cache.js'
import type { Absorb, Operation, Result } from '../../src/client/requests.js'
import type { Ino } from '../../src/wire/ids.js'
import { chunkLocation } from './harness/chunks.js'

const file = 10 as Ino

function make() {
  const clock = new SimulatedClock()
  const asked: string[] = []
  const session = {
    mayUseCaches: true,
    mayKeep: true,
    version: 1,
    async request(operation: Operation, absorb?: Absorb): Promise<Result> {
      if (operation.$case !== 'locateChunks') throw new Error(operation.$case)
      const { ino, firstIndex, count, forWrite } = operation.value
      asked.push(`${forWrite ? 'write' : 'read'} ${ino}:${firstIndex}+${count}`)
      const chunks = Array.from({ length: Math.min(count, 3) }, (_, at) =>
        chunkLocation({ index: firstIndex + at, version: session.version, leased: forWrite }),
      )
      const result: Result = { $case: 'layout', value: { chunks } }
      await Promise.resolve()
      absorb?.({
        result,
        failure: undefined,
        changed: [],
        sentAt: clock.now(),
        awaited: true,
        mayKeep: session.mayKeep,
      })
      return result
    },
  }
  return { clock, asked, session, locations: new LocationCache({ session, clock }) }
}

t.test('one question for reading answers for the chunks that follow', async t => {
  const { asked, locations } = make()
  t.equal((await locations.locate(file, 0, 'read')).index, 0)
  t.equal((await locations.locate(file, 2, 'read')).index, 2)
  t.equal(asked.length, 1)
})

t.test('the same is asked once at a time', async t => {
  const { asked, locations } = make()
  const located = await Promise.all([1, 2, 3].map(() => locations.locate(file, 0, 'write')))
  t.same(asked, ['write 10:0+1'])
  t.equal(new Set(located).size, 1)
})

t.test('for writing the lease must still last; for reading that does not matter', async t => {
  const { asked, locations, clock } = make()
  await locations.locate(file, 0, 'write')
  await locations.locate(file, 0, 'write')
  t.equal(asked.length, 1)
  await clock.advance(60_000)
  await locations.locate(file, 0, 'read')
  t.equal(asked.length, 1)
  await locations.locate(file, 0, 'write')
  t.equal(asked.length, 2)
})

t.test('what was forgotten, dropped or may not be used is asked for again', async t => {
  const { asked, locations, session } = make()
  const again = async (what: string) => {
    asked.length = 0
    await locations.locate(file, 0, 'read')
    t.equal(asked.length, 1, what)
  }
  await again('at first')
  locations.forget(file, 0)
  await again('forgotten')
  locations.drop(file)
  await again('dropped')
  locations.clear()
  await again('cleared')
  session.mayUseCaches = false
  await again('no client lease')
  session.mayUseCaches = true
  session.mayKeep = false
  locations.drop(file)
  await again('invalidated on the way')
  await again('and so it was not kept')
})

t.test('who watches a file hears when the master takes back what it said', async t => {
  const { locations } = make()
  const heard: string[] = []
  const stop = locations.watch(file, () => heard.push('one'))
  const stopOther = locations.watch(file, () => heard.push('other'))
  locations.drop((file + 1) as typeof file)
  t.same(heard, [])
  locations.drop(file)
  t.same(heard, ['one', 'other'])
  stop()
  locations.clear()
  t.same(heard, ['one', 'other', 'other'])
  stopOther()
  locations.drop(file)
  t.equal(heard.length, 3)
})

t.test('a question that is under way is not joined after what it answers was found wrong', async t => {
  const { asked, locations, session } = make()
  const before = locations.locate(file, 0, 'write')
  locations.forget(file, 0)
  session.version = 2
  const after = await locations.locate(file, 0, 'write')
  await before
  t.equal(asked.length, 2)
  t.equal(after.chunk?.version, 2)
})
