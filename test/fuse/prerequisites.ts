import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { checkMachine } from '../../src/fuse/prerequisites.js'

t.test('what the machine lacks is named with its remedy', async t => {
  const folder = t.testdir({ device: '', bin: { fusermount: '' } })
  const device = join(folder, 'device')
  const bin = join(folder, 'bin')
  const missing = { code: 'NATIVE_MISSING', message: /modprobe fuse/ }
  await t.rejects(checkMachine({ isRoot: true, device: join(folder, 'none'), programPath: bin }), missing)
  const noProgram = { code: 'NATIVE_MISSING', message: /apt-get install -y fuse3/ }
  await t.rejects(checkMachine({ isRoot: false, device, programPath: `${folder}:${bin}` }), noProgram)
  chmodSync(join(bin, 'fusermount'), 0o755)
  await checkMachine({ isRoot: false, device, programPath: `${folder}:${bin}` })
  await checkMachine({ isRoot: true, device, programPath: '' })
})

t.test('a closed device is named', { skip: process.getuid?.() === 0 && 'root may' }, async t => {
  const device = join(t.testdir({ device: '' }), 'device')
  chmodSync(device, 0)
  await t.rejects(checkMachine({ isRoot: true, device, programPath: '' }), { code: 'PERMISSION_DENIED' })
})
