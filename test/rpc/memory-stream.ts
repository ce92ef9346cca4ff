import t from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import { MemoryLink, MemoryStream } from '../../src/rpc/memory-stream.js'

const codec = { encode: (text: string) => Buffer.from(text), decode: (bytes: Buffer) => String(bytes) }

function link() {
  const events: string[] = []
  const link = new MemoryLink(
    () => events.push('reached'),
    () => events.push('ended'),
  )
  link.opener = new MemoryStream(codec, link, 'server')
  link.server = new MemoryStream(codec, link, 'opener')
  for (const [name, end] of Object.entries({ opener: link.opener, server: link.server })) {
    end.onMessage((text: string) => events.push(`${name}: ${text}`))
    end.onClose(({ code }) => events.push(`${name} ${code}`))
  }
  return { link, events }
}

const turn = () => new Promise(resolve => setImmediate(resolve))

t.test('nothing flows before the link is released, or while it is held', async t => {
  const { link: l, events } = link()
  l.opener?.send('1')
  await turn()
  t.same(events, [])
  l.release()
  await turn()
  t.same(events.splice(0), ['reached', 'server: 1'])
  l.hold()
  l.server?.send('2')
  await turn()
  t.same(events, [])
  l.release()
  await turn()
  t.same(events, ['opener: 2'])
})

t.test('the end travels behind the messages; the reason only from the server', async t => {
  for (const [end, other, code] of [
    ['opener', 'server', 'CANCELLED'],
    ['server', 'opener', 'NOT_PRIMARY'],
  ] as const) {
    const { link: l, events } = link()
    l.release()
    l[end]?.send('last')
    l[end]?.close(new LeasefsError('NOT_PRIMARY', 'no lease'))
    await turn()
    t.same(events.sort(), ['ended', `${other}: last`, `${other} ${code}`, `${end} NOT_PRIMARY`, 'reached'].sort())
  }
})

t.test('a cut ends both sides, once, and loses what was under way', async t => {
  const { link: l, events } = link()
  l.opener?.send('lost')
  l.cut(new LeasefsError('UNAVAILABLE', 'cut'))
  l.cut(new LeasefsError('UNAVAILABLE', 'cut again'))
  l.release()
  await turn()
  t.same(events, ['ended', 'opener UNAVAILABLE', 'server UNAVAILABLE'])
})
