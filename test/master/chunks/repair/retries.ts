import t from 'tap'
import { retryMaxMs, retryMinMs } from '../../../../src/master/chunks/repair/limits.js'
import { Retries } from '../../../../src/master/chunks/repair/retries.js'
import type { ChunkHandle } from '../../../../src/wire/ids.js'

const chunk = 1 as ChunkHandle

t.test('each failure doubles the pause, up to a limit', async t => {
  const retries = new Retries()
  t.ok(retries.mayTry(chunk, 0))
  retries.failed(chunk, 0)
  t.notOk(retries.mayTry(chunk, retryMinMs - 1))
  t.ok(retries.mayTry(chunk, retryMinMs))
  retries.failed(chunk, 0)
  t.notOk(retries.mayTry(chunk, 2 * retryMinMs - 1))
  for (let i = 0; i < 100; i++) retries.failed(chunk, 0)
  t.ok(retries.mayTry(chunk, retryMaxMs))
  t.notOk(retries.mayTry(chunk, retryMaxMs - 1))
  retries.succeeded(chunk)
  t.ok(retries.mayTry(chunk, 0))
  retries.failed(chunk, 0)
  retries.clear()
  t.ok(retries.mayTry(chunk, 0))
})
