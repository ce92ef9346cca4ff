import t from 'tap'
import { loadAddon, opcodesMax, remedyFor } from '../../../../src/fuse/bindings/fuse-native/addon.js'

t.test('the addon has what the binding calls', async t => {
  const addon = loadAddon()
  t.type(addon.fuse_native_mount, 'function')
  t.type(addon.fuse_native_signal_fgetattr, 'function')
  t.ok(addon.op_rmdir < opcodesMax)
  t.equal(addon.sizeof_fuse_thread_t, 2640, 'its structs are those that are read')
})

t.test('what is missing is named with the command that installs it', async t => {
  const missing = new Error('libfuse.so.2: cannot open shared object file: No such file or directory')
  t.match(remedyFor(missing), 'apt-get install -y libfuse2')
  t.match(remedyFor(new Error('No native build was found for platform=linux arch=arm64')), 'npm ci')
  t.match(remedyFor('strange'), 'strange')
})
