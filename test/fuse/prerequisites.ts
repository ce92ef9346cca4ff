import { chmodSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { checkMachine } from '../../src/fuse/prerequisites.js'

const maySysAdmin = 'CapInh:\t0000000000000000\nCapEff:\t0000000000200000\n'

/** A machine on which all is well, in a directory of the test. */
function machine(t: Test) {
  const folder = t.testdir({ device: '', bin: { fusermount: '' }, status: maySysAdmin, 'fuse.conf': '' })
  chmodSync(join(folder, 'bin', 'fusermount'), 0o755)
  return {
    device: join(folder, 'device'),
    programPath: `${folder}:${join(folder, 'bin')}`,
    processStatus: join(folder, 'status'),
    fuseConfiguration: join(folder, 'fuse.conf'),
    isRoot: true,
    allowOther: false,
  }
}

t.test('a machine that has all', async t => {
  const good = machine(t)
  await checkMachine({ ...good, programPath: '' })
  await checkMachine({ ...good, isRoot: false })
  await checkMachine({ ...good, processStatus: '/none' })
  writeFileSync(good.fuseConfiguration, '# mount_max = 1000\nuser_allow_other\n')
  await checkMachine({ ...good, isRoot: false, allowOther: true })
})

t.test('what the machine lacks is named with its remedy', async t => {
  const good = machine(t)
  const bare = { ...good, device: '/none' }
  await t.rejects(checkMachine(bare), { code: 'NATIVE_MISSING', message: /none does not exist.*modprobe fuse/ })
  const other = { ...good, device: dirname(good.device) }
  await t.rejects(checkMachine(other), { code: 'NATIVE_MISSING', message: /can't be used/ })
  const masked = { ...good, device: '/dev/null' }
  await t.rejects(checkMachine(masked), { code: 'NATIVE_MISSING', message: /another device/ })
  const noProgram = { ...good, isRoot: false, programPath: '/none' }
  await t.rejects(checkMachine(noProgram), { code: 'NATIVE_MISSING', message: /apt-get install -y fuse3/ })
})

t.test('what this user may not do is named with its remedy', async t => {
  const good = machine(t)
  const letIn = { ...good, isRoot: false, allowOther: true }
  await t.rejects(checkMachine(letIn), { code: 'PERMISSION_DENIED', message: /user_allow_other/ })
  writeFileSync(good.fuseConfiguration, '#user_allow_other\n')
  await t.rejects(checkMachine(letIn), { code: 'PERMISSION_DENIED' })
  await t.rejects(checkMachine({ ...letIn, fuseConfiguration: '/none' }), { code: 'PERMISSION_DENIED' })
  writeFileSync(good.processStatus, 'CapEff:\t00000000a80425fb\n')
  await t.rejects(checkMachine(good), { code: 'PERMISSION_DENIED', message: /--cap-add SYS_ADMIN/ })
})

t.test('a closed device is named', { skip: process.getuid?.() === 0 && 'root may' }, async t => {
  const good = machine(t)
  chmodSync(good.device, 0)
  await t.rejects(checkMachine(good), { code: 'PERMISSION_DENIED', message: /chmod 666/ })
})
