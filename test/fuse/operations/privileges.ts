import { constants } from 'node:fs'
import t from 'tap'
import { caller, memoryOperations, name, root } from '../harness/memory-operations.js'

const { O_RDWR, O_CREAT, O_TRUNC } = constants
const capability = name('security.capability')
const kill = { killPrivileges: true }

/** A file with rights that its owner gave it. */
async function privileged(mode: number) {
  const { operations, fileSystem } = memoryOperations()
  const { files, attributes, xattrs } = operations
  const { handle } = await files.create(root, name('f'), 0o644, caller, O_RDWR)
  const ino = files.inoOf(handle)
  await files.write(handle, 0, name('text'))
  await attributes.set(ino, { mode })
  await xattrs.set(ino, capability, name('x'), {})
  const modeNow = async () => (await attributes.get(ino)).mode
  const hasCapability = async () => (await xattrs.list(ino, { uid: 0 })).length > 0
  return { ...operations, fileSystem, handle, ino, modeNow, hasCapability }
}

t.test('a write takes capabilities, and the bits if the caller is not trusted with them', async t => {
  const { files, handle, modeNow, hasCapability } = await privileged(0o6755)
  await files.write(handle, 0, Buffer.alloc(0))
  t.ok(await hasCapability(), 'nothing was written')
  await files.write(handle, 0, name('x'))
  t.notOk(await hasCapability())
  t.equal(await modeNow(), 0o6755)
  await files.write(handle, 0, name('x'), kill)
  t.equal(await modeNow(), 0o755)
})

t.test('the bit of a group that may not execute means something else, and stays', async t => {
  const { files, handle, modeNow } = await privileged(0o6745)
  await files.write(handle, 0, name('x'), kill)
  t.equal(await modeNow(), 0o2745)
})

t.test('where there is nothing to take, nothing is changed', async t => {
  const { files, handle, fileSystem, xattrs, ino } = await privileged(0o644)
  await xattrs.remove(ino, capability)
  fileSystem.setAttributes = () => t.fail('it was changed') as never
  fileSystem.removeXattr = () => t.fail('it was changed') as never
  await files.write(handle, 0, name('x'), kill)
})

t.test('truncating, allocating and changing the owner take them too', async t => {
  for (const what of ['truncate', 'chown', 'allocate', 'chmod'] as const) {
    const { attributes, files, handle, ino, hasCapability, modeNow } = await privileged(0o4755)
    if (what === 'truncate') await attributes.set(ino, { size: 0, ...kill })
    else if (what === 'chown') await attributes.set(ino, { uid: 5, ...kill })
    else if (what === 'allocate') await files.allocate(handle, 0, 0, 1, kill)
    else await attributes.set(ino, { mode: 0o4711 })
    t.equal(await hasCapability(), what === 'chmod', what)
    if (what !== 'chmod') t.equal(await modeNow(), 0o755, what)
  }
})

t.test('so does opening with O_TRUNC, but a new file keeps the mode it was made with', async t => {
  const { files, ino, modeNow, hasCapability, attributes } = await privileged(0o4755)
  await files.open(ino, O_RDWR | O_TRUNC)
  t.notOk(await hasCapability())
  t.equal(await modeNow(), 0o4755, 'a caller who is trusted')
  await files.open(ino, O_RDWR | O_TRUNC, kill)
  t.equal(await modeNow(), 0o755)
  await attributes.set(ino, { mode: 0o4755 })
  const again = await files.create(root, name('f'), 0o4755, caller, O_RDWR | O_CREAT | O_TRUNC, kill)
  t.equal(again.attributes.mode, 0o755)
  const made = await files.create(root, name('g'), 0o4755, caller, O_RDWR | O_CREAT | O_TRUNC, kill)
  t.equal(made.attributes.mode, 0o4755)
})

t.test('a capability that someone else has just taken is no error', async t => {
  const { files, handle, fileSystem } = await privileged(0o644)
  fileSystem.listXattrs = async () => [capability]
  await files.write(handle, 0, name('x'))
  await files.write(handle, 0, name('x'))
  fileSystem.removeXattr = () => Promise.reject(new Error('a bug'))
  await t.rejects(files.write(handle, 0, name('x')), { message: 'a bug' })
})
