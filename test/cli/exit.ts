import t from 'tap'
import { exitText } from '../../src/cli/exit.js'

t.test('an end is told by its signal, or its code', async t => {
  t.equal(exitText({ code: null, signal: 'SIGKILL' }), 'killed by SIGKILL')
  t.equal(exitText({ code: 0, signal: null }), 'exit code 0')
})
