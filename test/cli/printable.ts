import t from 'tap'
import { printable } from '../../src/cli/printable.js'

t.test('a terminal obeys nothing of it, and letters stay', async t => {
  t.equal(printable('a\u001b[2J\nb\u009bc\u007f\r\u0000'), 'a?[2J?b?c???')
  t.equal(printable('/mnt/für ▲ x'), '/mnt/für ▲ x')
})
