import { constants } from 'node:fs'
import t from 'tap'
import { caller, memoryOperations, name, root } from './harness/memory-operations.js'

t.test('closing releases what is open', async t => {
  const { operations, fileSystem } = memoryOperations()
  await operations.files.create(root, name('f'), 0o644, caller, constants.O_RDWR)
  await operations.names.unlink(root, name('f'))
  t.equal(fileSystem.inodeCount, 2)
  await operations.close()
  t.equal(fileSystem.inodeCount, 1)
  t.equal(operations.files.openCount, 0)
})
