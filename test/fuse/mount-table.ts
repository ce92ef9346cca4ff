import t from 'tap'
import { isMounted, listMounts, mountAt, mountOf, parseMountInfo } from '../../src/fuse/mount-table.js'

const text = [
  '22 1 254:0 / / rw,relatime - ext4 /dev/root rw',
  '30 22 0:25 / /mnt/with\\040blank rw,nosuid shared:3 master:1 - fuse.leasefs leasefs@h:1 rw,user_id=0',
  '31 22 0:26 / /mnt rw - tmpfs none rw',
  '',
].join('\n')
const mounts = parseMountInfo(text)

t.test('mountinfo is read with and without optional fields', async t => {
  t.same(mounts, [
    { mountPoint: '/', type: 'ext4', source: '/dev/root' },
    { mountPoint: '/mnt/with blank', type: 'fuse.leasefs', source: 'leasefs@h:1' },
    { mountPoint: '/mnt', type: 'tmpfs', source: 'none' },
  ])
  t.same(parseMountInfo('nonsense\n\n - \n'), [])
})

t.test('a path is on the mount that is nearest above it', async t => {
  t.equal(mountOf('/mnt/with blank/a', mounts)?.type, 'fuse.leasefs')
  t.equal(mountOf('/mnt/with', mounts)?.type, 'tmpfs')
  t.equal(mountOf('/mntx', mounts)?.type, 'ext4')
  t.equal(mountAt('/mnt', mounts)?.type, 'tmpfs')
  t.equal(mountAt('/mnt/with', mounts), undefined)
})

t.test('this machine has a root', async t => {
  t.ok(mountAt('/', await listMounts()))
  t.ok(await isMounted('/'))
  t.notOk(await isMounted(t.testdir()))
})
