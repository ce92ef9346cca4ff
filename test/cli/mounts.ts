import t from 'tap'
import { masterOf, mountSource } from '../../src/cli/mounts.js'

t.test('a mount of ours names its master, another has none', async t => {
  const master = { host: '::1', port: 7400 }
  t.same(masterOf({ type: 'fuse', source: mountSource(master) }), master)
  t.same(masterOf({ type: 'fuse.leasefs', source: mountSource(master) }), master)
  t.equal(masterOf({ type: 'nfs', source: mountSource(master) }), undefined)
  t.equal(masterOf({ type: 'fuse', source: 'sshfs' }), undefined)
  t.equal(masterOf({ type: 'fuse', source: 'leasefs@nowhere' }), undefined)
})
