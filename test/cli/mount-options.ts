import t from 'tap'
import {
  addMountOptions,
  atimeOf,
  checkMountChoices,
  type MountChoices,
  mountArguments,
} from '../../src/cli/mount-options.js'
import { program } from '../../src/cli/program.js'

function parse(...args: string[]): MountChoices {
  const command = addMountOptions(program('test', ''))
    .exitOverride()
    .configureOutput({ outputError: () => {} })
  return command.parse(args, { from: 'user' }).opts()
}

t.test('another process is given the same choices', async t => {
  const lines = [
    [],
    ['--binding', 'kernel', '--exclusive', '--allow-other', '--timeout', '5s'],
    ['--read-only', '--no-allow-other', '--noatime'],
    ['--subdir', '-a b', '--uid', '0', '--gid', '4294967294', '--fsname', 'files', '--strictatime'],
  ]
  for (const line of lines) t.same(parse(...mountArguments(parse(...line))), parse(...line), line.join(' '))
})

t.test('what does not go together is refused', async t => {
  t.throws(() => parse('--noatime', '--strictatime'), { code: 'commander.conflictingOption' })
  t.throws(() => parse('--read-only', '--strictatime'), { code: 'commander.conflictingOption' })
  t.throws(() => parse('--read-only', '--exclusive'), { code: 'commander.conflictingOption' })
  for (const bad of ['-1', '4294967295', 'root', '']) t.throws(() => parse(`--uid=${bad}`), bad)
  for (const bad of ['', 'a,suid', 'a b', 'a\\', 'ü', 'x'.repeat(201)]) t.throws(() => parse(`--fsname=${bad}`), bad)
  checkMountChoices(parse('--exclusive'))
  t.throws(() => checkMountChoices(parse('--exclusive', '--binding', 'fuse-native')), { code: 'INVALID_ARGUMENT' })
})

t.test('access times are recorded as asked for, and never where nothing can be', async t => {
  t.equal(atimeOf(parse()), 'relatime')
  t.equal(atimeOf(parse('--strictatime')), 'strictatime')
  t.equal(atimeOf(parse('--noatime')), 'noatime')
  t.equal(atimeOf(parse('--read-only')), 'noatime')
})
