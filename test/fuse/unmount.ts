import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pino } from 'pino'
import t from 'tap'
import { SystemClock } from '../../src/base/clock.js'
import { silentLog } from '../../src/base/log.js'
import type { Ino } from '../../src/client/file-system.js'
import { rootIno } from '../../src/constants.js'
import { listMounts, mountAt } from '../../src/fuse/mount-table.js'
import { unmount, unmountLazily, withoutDevice } from '../../src/fuse/unmount.js'
import { bindingsHere } from '../mount/harness/memory-mount.js'
import { mounted } from './harness/mounted.js'

const clock = new SystemClock()

t.test('an idle mount goes at once', async t => {
  const { path, mount } = await mounted(t)
  await unmount(path, clock, silentLog)
  t.equal(mountAt(path, await listMounts()), undefined)
  await mount.closed
  await unmount(path, clock, silentLog)
})

t.test('a mount in use is waited for, and then detached with a warning', async t => {
  const { path } = await mounted(t)
  const user = await userOf(path, 60)
  t.teardown(() => user.kill())
  const lines: string[] = []
  const log = pino({ level: 'warn' }, { write: line => lines.push(line) })
  await unmount(path, clock, log, 300)
  t.equal(mountAt(path, await listMounts()), undefined)
  t.match(lines, [/in use/])
})

t.test(
  'what the kernel alone has of a mount in use is written before it is detached',
  {
    skip: !bindingsHere.includes('kernel') && 'only --exclusive has the kernel hold writes back',
  },
  async t => {
    const { path, fileSystem } = await mounted(t, { binding: 'kernel', exclusive: true })
    const script = `fs.writeSync(fs.openSync('${path}/f', 'w'), 'held back'); console.log(); setTimeout(() => {}, 60_000)`
    const user = spawn(process.execPath, ['--eval', script])
    t.teardown(() => user.kill())
    await once(user.stdout, 'data')
    await unmount(path, clock, silentLog, 300)
    const { ino } = await fileSystem.lookup(rootIno as Ino, Buffer.from('f'))
    const file = await fileSystem.open(ino, { read: true, write: false })
    t.equal(String(Buffer.concat(await file.read(0, 100))), 'held back')
  },
)

t.test('a mount whose user leaves in time is not detached', async t => {
  const { path } = await mounted(t)
  const user = await userOf(path, 0.5)
  const lines: string[] = []
  await unmount(path, clock, pino({ level: 'warn' }, { write: line => lines.push(line) }))
  t.same(lines, [])
  t.equal(user.exitCode, 0)
})

t.test('what is not mounted is no error, and stays', async t => {
  const path = t.testdir()
  await unmountLazily(path)
  t.ok((await stat(path)).isDirectory())
})

t.test('a child that unmounts does not keep the mount alive', async t => {
  await mounted(t, { binding: 'fuse-native' }) // Libfuse lets children inherit the device.
  const descriptors = async (stdio: StdioOptions) => {
    const child = spawn('sh', ['-c', 'ls -l /proc/self/fd >&2'], { stdio })
    let said = ''
    child.stderr?.on('data', (text: Buffer) => {
      said += text
    })
    await once(child, 'close')
    return said
  }
  const nothing = openSync('/dev/null', 'r')
  t.teardown(() => closeSync(nothing))
  t.match(await descriptors(['ignore', 'ignore', 'pipe']), '/dev/fuse', 'it would')
  t.notMatch(await descriptors(withoutDevice(nothing)), '/dev/fuse')
})

/**
 * A process that has its working directory there for so long. It goes there by
 * itself: this process waits for a spawn without serving the mount meanwhile.
 */
async function userOf(path: string, seconds: number): Promise<ChildProcess> {
  const user = spawn('bash', ['--norc', '-c', `cd '${path}' && echo there && exec sleep ${seconds}`])
  await once(user.stdout, 'data')
  return user
}
