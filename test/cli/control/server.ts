import { once } from 'node:events'
import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { silentLog } from '../../../src/base/log.js'
import { askMount, MountConversation } from '../../../src/cli/control/ask.js'
import { askersMax } from '../../../src/cli/control/limits.js'
import { mountState } from '../../../src/cli/control/mount-state.js'
import { processNamed } from '../../../src/cli/control/processes.js'
import { controlFiles } from '../../../src/cli/control/record.js'
import { openControl } from '../../../src/cli/control/server.js'
import { temporaryDirectory } from '../../cluster/harness.js'

const client = {
  ...{ clusterId: 'c', session: 7, master: 'h:1', connected: true, standingMs: 900, silentMs: 0 },
  ...{ dirtyBytes: 10, lostBytes: 20, errorsUntold: 1, openInodes: 2, waitCount: 0, waits: [] },
}
const state = mountState({ mountPoint: '/mnt/a', pid: 12, binding: 'kernel', client, underway: [] }, 0)
const me = processNamed(process.pid) ?? { pid: process.pid, startTime: 0 }
const record = { mountPoint: '/mnt/a', device: '0:52', source: 'leasefs@h:1', daemon: me, client: me }

/** The path of a socket must be short. */
async function opened(t: Test, directory = join(temporaryDirectory(), 'd')) {
  t.teardown(() => rmSync(dirname(directory), { recursive: true, force: true }))
  if (!existsSync(directory)) mkdirSync(directory, { mode: 0o700 })
  const control = await openControl({ record, state: () => state, log: silentLog, directory })
  let isClosed = false
  const close = async (lostBytes: number) => {
    if (!isClosed) await control.close({ lostBytes })
    isClosed = true
  }
  t.teardown(() => close(0))
  return { ...controlFiles(directory, '0:52'), directory, close }
}

t.test('who asks is answered, again and again, and hears how the mount ended', async t => {
  const { socket, file, close } = await opened(t)
  t.equal(statSync(socket).mode & 0o777, 0o600)
  t.same(await askMount(socket), state)
  const conversation = await MountConversation.open(socket)
  for (let i = 0; i < 3; i++) t.same(await conversation.state(), state)
  await close(17)
  t.same(await conversation.ended, { lostBytes: 17 })
  t.notOk(existsSync(socket) || existsSync(file))
  await t.rejects(conversation.state(), { code: 'UNAVAILABLE' })
  await t.rejects(askMount(socket), { code: 'UNAVAILABLE' })
})

t.test('one that comes after another of the same mount takes its place', async t => {
  const { directory, socket } = await opened(t)
  await opened(t, directory)
  t.same(await askMount(socket), state)
})

t.test('who asks something else is left, and the others are answered', async t => {
  const { socket } = await opened(t)
  for (const text of ['STATE\n', '\n', 'x'.repeat(1000), 'state', '\u0000\u00ff\n', 'state\nstop\n']) {
    const asker = connect(socket)
    asker.on('error', () => {})
    const gone = once(asker, 'close')
    asker.resume().write(text)
    if (text === 'state') asker.destroy()
    await gone
  }
  t.same(await askMount(socket), state)
})

t.test('there are only so many at a time, and room again when they have gone', async t => {
  const { socket } = await opened(t)
  const askers = await Promise.all(Array.from({ length: askersMax }, () => MountConversation.open(socket)))
  await Promise.all(askers.map(asker => asker.state()))
  await t.rejects(askMount(socket), { code: 'UNAVAILABLE' })
  for (const asker of askers) asker.close()
  await Promise.all(askers.map(asker => asker.ended))
  t.same(await askMount(socket), state)
})

t.test('an asker that reads nothing does not keep the mount from ending', async t => {
  const { socket, close } = await opened(t)
  const asker = connect(socket).pause()
  asker.on('error', () => {})
  asker.write('state\n'.repeat(1000))
  await new Promise(resolve => setTimeout(resolve, 100))
  await close(0)
  t.pass('it has ended')
  asker.destroy()
})
