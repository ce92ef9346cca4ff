import t from 'tap'
import { mountOptions } from '../../../../src/fuse/bindings/fuse-native/mount-options.js'

t.test('libfuse gets one -o, and others may use the mount only if asked for', async t => {
  const options = { source: 'leasefs@h:1', allowOther: false, readOnly: false }
  const mine = mountOptions(options)
  t.match(mine, /^-ofsname=leasefs@h:1,subtype=leasefs,default_permissions,use_ino,big_writes,/)
  t.notMatch(mine, 'allow_other')
  t.equal(mountOptions({ ...options, allowOther: true }), `${mine},allow_other`)
  t.equal(mountOptions({ ...options, readOnly: true }), `${mine},ro`)
})
