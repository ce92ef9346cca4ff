import t, { type Test } from 'tap'
import { checkName, checkSymlinkTarget, checkXattrName } from '../../../src/master/ops/names.js'

type Case = [value: Buffer, code: string | undefined]

function table(t: Test, check: (value: Buffer) => void, cases: readonly Case[]): void {
  for (const [value, code] of cases) {
    const what = `${value.length} bytes, "${value.toString('latin1', 0, 10)}"`
    if (code === undefined) t.doesNotThrow(() => check(value), what)
    else t.throws(() => check(value), { code }, what)
  }
}

t.test('a name is 1 to 255 bytes without "/" and NUL, and not "." or ".."', async t => {
  table(t, checkName, [
    [Buffer.from('a'), undefined],
    [Buffer.from('...'), undefined],
    [Buffer.from([0xff, 1]), undefined],
    [Buffer.alloc(255, 'x'), undefined],
    [Buffer.alloc(256, 'x'), 'NAME_TOO_LONG'],
    [Buffer.alloc(0), 'INVALID_ARGUMENT'],
    [Buffer.from('.'), 'INVALID_ARGUMENT'],
    [Buffer.from('..'), 'INVALID_ARGUMENT'],
    [Buffer.from('/'), 'INVALID_ARGUMENT'],
    [Buffer.from('a\0'), 'INVALID_ARGUMENT'],
  ])
})

t.test('a symlink target is 1 to 4095 bytes without NUL', async t => {
  table(t, checkSymlinkTarget, [
    [Buffer.from('../a/b'), undefined],
    [Buffer.alloc(4095, 'x'), undefined],
    [Buffer.alloc(4096, 'x'), 'NAME_TOO_LONG'],
    [Buffer.alloc(0), 'INVALID_ARGUMENT'],
    [Buffer.from('\0'), 'INVALID_ARGUMENT'],
  ])
})

t.test('an attribute name is 1 to 255 bytes without NUL', async t => {
  table(t, checkXattrName, [
    [Buffer.from('user.a/b'), undefined],
    [Buffer.alloc(255, 'x'), undefined],
    [Buffer.alloc(256, 'x'), 'OUT_OF_RANGE'],
    [Buffer.alloc(0), 'OUT_OF_RANGE'],
    [Buffer.from('a\0'), 'INVALID_ARGUMENT'],
  ])
})
