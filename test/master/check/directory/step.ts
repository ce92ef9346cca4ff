import t from 'tap'
import { about, isFinding, note, wrong } from '../../../../src/master/check/directory/step.js'

t.test('what is wrong is told from what is worth knowing, and from progress', async t => {
  t.match(wrong('/a', 'bad'), { where: '/a', text: 'bad', harmless: false })
  t.match(note('/a', 'so'), { harmless: true })
  t.ok(isFinding(note('/a', 'so')))
  t.notOk(isFinding({ doing: 'journal', share: 0 }))
})

t.test('a message about a file need not name it twice', async t => {
  t.equal(about('/a', '/a: is damaged'), 'is damaged')
  t.equal(about('/a', '/a is no state'), 'is no state')
  t.equal(about('/a', '/ab: is damaged'), '/ab: is damaged')
})
