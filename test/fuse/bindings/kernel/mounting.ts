import t from 'tap'
import { mountOptions } from '../../../../src/fuse/bindings/kernel/mounting.js'

t.test('what mount(8) is told', async t => {
  t.equal(
    mountOptions({ allowOther: false, readOnly: false }),
    'fd=3,rootmode=40000,user_id=0,group_id=0,default_permissions',
  )
  t.match(mountOptions({ allowOther: true, readOnly: false }), /,allow_other$/)
  t.match(mountOptions({ allowOther: true, readOnly: true }), /,allow_other,ro$/)
})
