import t from 'tap'
import { checkName } from '../../src/client/names.js'

t.test('any bytes but "/" and NUL are a name', async t => {
  for (const name of ['a', '...', ' ', 'ä', 'x'.repeat(255)]) t.doesNotThrow(() => checkName(Buffer.from(name)), name)
  t.doesNotThrow(() => checkName(Buffer.from([0xff, 0xfe])), 'it need not be UTF-8')
})

t.test('what is not a name is refused', async t => {
  for (const name of ['', '.', '..', 'a/b', 'a\0']) {
    t.throws(() => checkName(Buffer.from(name)), { code: 'INVALID_ARGUMENT' }, JSON.stringify(name))
  }
  t.throws(() => checkName(Buffer.alloc(256, 'x')), { code: 'NAME_TOO_LONG' })
})
