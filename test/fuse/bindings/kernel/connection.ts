import { tmpdir } from 'node:os'
import t from 'tap'
import { silentLog } from '../../../../src/base/log.js'
import { Connection, deviceOf } from '../../../../src/fuse/bindings/kernel/connection.js'

const mountInfo = String.raw`22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:50 / /mnt rw shared:2 - fuse.leasefs leasefs rw,user_id=0
41 22 0:51 / /mnt/with\040blank\011and\134 rw - fuse.leasefs leasefs rw
42 40 0:52 / /mnt rw shared:2 master:3 - fuse.leasefs leasefs rw
43 22 0:53 / /mnt2 rw - fuse.leasefs leasefs rw
`

t.test('the device of a mount point', async t => {
  t.equal(deviceOf('/mnt2', mountInfo), '0:53')
  t.equal(deviceOf('/mnt', mountInfo), '0:52', 'of several the one on top')
  t.equal(deviceOf('/mnt/with blank\tand\\', mountInfo), '0:51')
  t.equal(deviceOf('/', mountInfo), '8:1')
  t.equal(deviceOf('/mn', mountInfo), undefined)
  t.equal(deviceOf('/mnt', ''), undefined)
})

t.test('where there is no mount there is nothing to abort, and no harm', async t => {
  const connection = new Connection(`${tmpdir()}/none`, silentLog)
  t.doesNotThrow(() => connection.raiseReadAhead())
  t.notOk(connection.abort())
})
