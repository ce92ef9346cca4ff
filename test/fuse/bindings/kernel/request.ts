import t from 'tap'
import { nameAt, namesAt, reply } from '../../../../src/fuse/bindings/kernel/request.js'
import { texts } from '../../harness/kernel-session.js'

t.test('names are what lies between NULs, and copies', async t => {
  const body = Buffer.concat([Buffer.from('head'), texts('a', 'bc')])
  const names = namesAt(body, 4, 2)
  body.fill(0)
  t.same(names.map(String), ['a', 'bc'])
  t.equal(String(nameAt(Buffer.concat([texts('x'), Buffer.from('rest')]), 0)), 'x', 'what is behind is not looked at')
})

t.test('what holds no names', async t => {
  const bodies = ['', '\0', '\0\0\0', 'a', 'a\0', 'a\0b', 'a\0\0', '\0a\0'].map(text => Buffer.from(text))
  for (const body of bodies) t.throws(() => namesAt(body, 0, 2), { name: 'KernelError' }, JSON.stringify(String(body)))
  t.throws(() => nameAt(texts('a'), 2), { name: 'KernelError' }, 'beyond the end')
  t.throws(() => nameAt(texts('a'), 200), { name: 'KernelError' })
})

t.test('a reply has its pieces in order', async t => {
  const pieces = [Buffer.from('a'), Buffer.from('b')]
  t.same(reply(...pieces), { pieces })
})
