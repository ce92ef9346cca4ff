import t from 'tap'
import { silentLog } from '../../../../src/base/log.js'
import { mountOptions } from '../../../../src/fuse/bindings/fuse-native/mount-options.js'
import { memoryOperations } from '../../harness/memory-operations.js'

t.test('libfuse gets one -o, and others may use the mount only if asked for', async t => {
  const { operations } = memoryOperations()
  const options = { operations, mountPoint: '/m', source: 'leasefs@h:1', log: silentLog }
  const mine = mountOptions({ ...options, allowOther: false })
  t.match(mine, /^-ofsname=leasefs@h:1,subtype=leasefs,default_permissions,use_ino,big_writes,/)
  t.notMatch(mine, 'allow_other')
  t.equal(mountOptions({ ...options, allowOther: true }), `${mine},allow_other`)
})
