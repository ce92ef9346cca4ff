import t from 'tap'
import { isMounted, listMounts, mountAt, mountOf, parseMountInfo } from '../../src/fuse/mount-table.js'

const text = [
  '22 1 254:0 / / rw,relatime - ext4 /dev/root rw',
  '30 22 0:25 / /mnt/with\\040blank rw,nosuid shared:3 master:1 - fuse.leasefs leasefs@h:1 rw,user_id=0',
  '31 22 0:26 / /mnt rw - tmpfs none rw',
  '32 31 0:27 / /mnt rw shared:2 - fuse.leasefs leasefs@h:1 rw,default_permissions,user_id=1000,group_id=0',
  String.raw`33 22 0:28 / /with\040blank\011and\134 rw - tmpfs none rw`,
  '',
].join('\n')
const mounts = parseMountInfo(text)

t.test('mountinfo is read with and without optional fields', async t => {
  t.same(mounts, [
    { mountPoint: '/', type: 'ext4', source: '/dev/root', device: '254:0', uid: undefined },
    { mountPoint: '/mnt/with blank', type: 'fuse.leasefs', source: 'leasefs@h:1', device: '0:25', uid: 0 },
    { mountPoint: '/mnt', type: 'tmpfs', source: 'none', device: '0:26', uid: undefined },
    { mountPoint: '/mnt', type: 'fuse.leasefs', source: 'leasefs@h:1', device: '0:27', uid: 1000 },
    { mountPoint: '/with blank\tand\\', type: 'tmpfs', source: 'none', device: '0:28', uid: undefined },
  ])
  t.same(parseMountInfo('nonsense\n\n - \n'), [])
})

t.test('a path is on the mount that is nearest above it', async t => {
  t.equal(mountOf('/mnt/with blank/a', mounts)?.type, 'fuse.leasefs')
  t.equal(mountOf('/mnt/with', mounts)?.device, '0:27', 'of several the one on top')
  t.equal(mountOf('/mntx', mounts)?.type, 'ext4')
  t.equal(mountAt('/mnt', mounts)?.device, '0:27')
  t.equal(mountAt('/mnt/with', mounts), undefined)
})

t.test('this machine has a root', async t => {
  t.ok(mountAt('/', await listMounts()))
  t.ok(await isMounted('/'))
  t.notOk(await isMounted(t.testdir()))
})
