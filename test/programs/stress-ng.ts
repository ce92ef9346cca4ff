// stress-ng's stressors of file systems, several at once, each for a moment, with
// --verify, by which they look at what they did.

import t from 'tap'
import { Bench, cannotRun } from './harness.js'

/** What runs together: stressors, with options that bound what each takes. */
const groups: readonly (readonly string[])[] = [
  ['access', 'chdir --chdir-dirs 64', 'chmod', 'chown', 'rename', 'touch'],
  ['dentry --dentries 50', 'dir --dir-dirs 64', 'dirdeep --dirdeep-dirs 1 --dirdeep-inodes 50', 'dirmany', 'getdent'],
  ['mknod', 'open', 'filename --filename-opts posix', 'handle', 'inotify', 'dup', 'utime', 'fsize'],
  ['flock', 'lockf', 'lockofd', 'locka', 'fcntl', 'lease', 'xattr'],
  [
    'hdd --hdd-bytes 4M',
    'seek --seek-size 1M',
    'readahead --readahead-bytes 4M',
    'sync-file --sync-file-bytes 1M',
    'aio',
  ],
  [
    'fallocate --fallocate-bytes 4M',
    'fpunch',
    'iomix --iomix-bytes 4M',
    'revio --revio-bytes 1M',
    'sendfile --sendfile-size 1M',
  ],
  ['copy-file --copy-file-bytes 128M', 'mmap --mmap-file --mmap-bytes 1M', 'file-ioctl', 'eventfd'],
]

// Left out: io and fanotify, which reach for every file system of the machine;
// bind-mount, binderfs, fiemap, chattr, inode-flags and verity, which want what a
// FUSE file system of a network has no answer for; procfs, ioprio and others that
// are not about files; link and symlink, whose shortest run makes 8,192 names.

if (cannotRun) t.plan(0, cannotRun)
else {
  const bench = await Bench.start(t)
  for (const group of groups) {
    const names = group.map(stressor => stressor.split(' ')[0] ?? '')
    bench.test(t, names.join(', '), async (t, { mount }) => {
      const options = group.map(stressor => `--${stressor.replace(/ |$/, ' 1 ')}`).join(' ')
      const said = await mount(`stress-ng --temp-path . --timeout 2 --verify --oomable --metrics ${options} 2>&1`)
      t.notMatch(said, /fail: |skipp|not supported/)
      for (const name of names) t.match(said, new RegExp(`metrc: .* ${name} +\\d`), `${name} ran`)
      // One operation of some is thousands of calls: those may not come to an end of it.
      const operations = said.matchAll(/metrc: \[\d+\] [a-z-]+ +(\d+) /g)
      t.ok(Math.max(...Array.from(operations, match => Number(match[1]))) > 0, 'and something was done')
      t.equal(
        await mount('ls -A | grep -v stress-open- || true'),
        '',
        'nothing is left, but by "open", which is killed in the middle',
      )
    })
  }
}
