import t from 'tap'
import { dataIdText, handleText } from '../../src/wire/ids.js'

t.test('a data id has one text', async t => {
  t.equal(dataIdText({ client: 1, counter: 2 }), '1:2')
  t.not(dataIdText({ client: 1, counter: 11 }), dataIdText({ client: 11, counter: 1 }))
})

t.test('a handle is 16 hex digits, up to the last', async t => {
  t.equal(handleText(0), '0000000000000000')
  t.equal(handleText(0xa1), '00000000000000a1')
  t.equal(handleText(2 ** 53 - 1), '001fffffffffffff')
})
