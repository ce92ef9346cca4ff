// stress-ng's stressors of file systems, several at once, each for a moment, with
// --verify, by which they look at what they did.

import t from 'tap'
import { Bench, cannotRun } from './harness.js'

/** What runs together: stressors, with options that bound what each takes. */
const groups: readonly (readonly string[])[] = [
  ['access', 'chdir --chdir-dirs 64', 'chmod', 'chown', 'link', 'symlink', 'rename', 'touch'],
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

// Left out: io, sync and fanotify, which reach for every file system of the
// machine; bind-mount, binderfs, chattr, fiemap, inode-flags and verity, for which
// FUSE has no request or leasefs no answer; procfs and ioprio, which are not about files.

if (cannotRun) t.plan(0, cannotRun)
else {
  const bench = await Bench.start(t)
  for (const group of groups) {
    const names = group.map(stressor => stressor.split(' ')[0] ?? '')
    bench.test(t, names.join(', '), async (t, { mount }) => {
      const options = group.map(stressor => `--${stressor.replace(/ |$/, ' 1 ')}`).join(' ')
      const said = await mount(`stress-ng --temp-path . --timeout 2 --verify --oomable --metrics ${options} 2>&1`)
      t.notMatch(said, /fail:|skipp|not supported/)
      for (const name of names) {
        const operations = new RegExp(`\\] ${name} +(\\d+) `).exec(said)?.[1]
        if (process.env.SHOW) t.comment(`${name} ${operations}`)
        t.ok(Number(operations) > 0, `${name} has done something`)
      }
      t.equal(
        await mount('ls -A | grep -v stress-open- || true'),
        '',
        'nothing is left, but by "open", which is killed in the middle',
      )
    })
  }
}
