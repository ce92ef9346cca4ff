// Machines on which nothing can be mounted: leasefs-mount says so before it
// looks for a master, and what to do about it. Each machine is this one as a
// mount namespace of the test's own shows it.

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { cannotMount, programFile } from './harness.js'

const skip = cannotMount || (process.getuid?.() !== 0 && 'only root has namespaces for it')

/** A /dev with what Node needs, and nothing else. */
const bareDev =
  'mount -t tmpfs none /dev; mknod -m 666 /dev/null c 1 3; mknod -m 666 /dev/urandom c 1 9; mknod -m 666 /dev/zero c 1 5'

const machines: readonly [what: string, prepare: string, prefix: string, why: RegExp][] = [
  ['no device', bareDev, '', /\/dev\/fuse does not exist: as root, run "modprobe fuse".*--device \/dev\/fuse/],
  [
    'a device that is hidden',
    'mount --bind /dev/null /dev/fuse',
    '',
    /\/dev\/fuse can't be used \(it is another device\)/,
  ],
  [
    'root without the right to mount',
    ':',
    'setpriv --bounding-set -sys_admin',
    /root may not mount here.*--cap-add SYS_ADMIN/,
  ],
  ['something mounted there', 'mount -t tmpfs other "$DIR"', '', /is already mounted \(other\)/],
]

for (const [what, prepare, prefix, why] of machines) {
  t.test(what, { skip }, async t => {
    const directory = mkdtempSync(join(tmpdir(), 'leasefs-machine-'))
    t.teardown(() => rmSync(directory, { recursive: true }))
    const program = `exec ${prefix} '${process.execPath}' '${programFile('leasefs-mount')}' "$DIR" --master 127.0.0.1:1`
    const { code, stdout, stderr } = await inNamespace(`${prepare}; ${program}`, directory)
    t.equal(code, 1)
    t.equal(stdout, '')
    t.match(stderr, /^leasefs-mount: [^\n]+\n$/, 'one line')
    t.match(stderr, why)
  })
}

function inNamespace(script: string, directory: string) {
  const options = { cwd: '/', env: { PATH: process.env.PATH, DIR: directory }, timeout: 30_000 }
  return new Promise<{ code: number | null; stdout: string; stderr: string }>(resolve => {
    const child = execFile('unshare', ['-m', 'sh', '-ec', script], options, (_, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr })
    })
  })
}
