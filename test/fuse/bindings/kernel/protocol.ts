import t from 'tap'
import { opcodeName, opcodes } from '../../../../src/fuse/bindings/kernel/protocol.js'

t.test('opcodes have their names, and no two have the same number', async t => {
  for (const [name, opcode] of Object.entries(opcodes)) t.equal(opcodeName(opcode), name)
  for (const opcode of [0, 7, 19, 4096]) t.equal(opcodeName(opcode), undefined)
})
