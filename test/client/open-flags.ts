import t from 'tap'
import { parseOpenFlags } from '../../src/client/open-flags.js'

t.test('the flags of fs.open mean what they mean there', async t => {
  const names = ['read', 'write', 'append', 'truncate', 'create', 'exclusive', 'sync'] as const
  const table: Record<string, string> = {
    r: 'read',
    'r+': 'read write',
    'rs+': 'read write sync',
    w: 'write truncate create',
    wx: 'write truncate create exclusive',
    'w+': 'read write truncate create',
    'wx+': 'read write truncate create exclusive',
    a: 'write append create',
    ax: 'write append create exclusive',
    'a+': 'read write append create',
    'ax+': 'read write append create exclusive',
    as: 'write append create sync',
    'as+': 'read write append create sync',
  }
  for (const [text, expected] of Object.entries(table)) {
    const flags = parseOpenFlags(text)
    t.equal(names.filter(name => flags[name]).join(' '), expected, text)
  }
})

t.test('other flags are refused', async t => {
  for (const text of ['', 'x', 'rw', 'rx', 'rs', 'ws', 'r++', 'rx+', 'w+x']) {
    t.throws(() => parseOpenFlags(text), { code: 'INVALID_ARGUMENT' }, JSON.stringify(text))
  }
})
