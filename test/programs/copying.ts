// tar, rsync and cp: whatever a file has beside its bytes goes onto the mount and
// comes back as it was.

import t from 'tap'
import { Bench, cannotRun, realTree } from './harness.js'

/** One of everything that a Linux file system can have. */
const makeOriginal = `
  mkdir original; cd original
  cp -r ${realTree}/utils tree
  echo x > plain; ln plain hard1; mkdir links; ln plain links/hard2; ln -s ../plain links/soft; ln -s nowhere dangling; ln links/soft hardsoft
  : > empty; head -c 300000 /dev/urandom > random; seq 200000 > numbers
  truncate -s 80M holes; printf middle | dd of=holes bs=1 seek=70000000 conv=notrunc status=none
  mkfifo -m 620 fifo; mknod -m 600 null c 1 3; mknod block b 7 99
  for mode in 0 400 111 640 1777 2755 4755 6711 7777; do echo $mode > mode$mode; mkdir dir$mode; done
  mkdir names; touch names/'with space' names/$'new\\nline' names/-dash names/$'not\\xffutf8' names/'*' names/é; printf -v long '%0255d' 7; touch names/$long
  mkdir -p deep/$(seq -s / 1 20); echo deep > deep/$(seq -s / 1 20)/f
  chown 1234:5678 plain links; chown -h 42:43 dangling; chown 4000000000:4000000001 random; chown 7:8 fifo
  setfattr -n user.text -v 'some text' plain; setfattr -n user.binary -v 0x00ff00 plain; setfattr -n user.empty plain
  setfattr -n user.long -v $(printf '%02000d' 7) random; setfattr -n user.of-directory -v d links
  setfattr -n trusted.only-root -v t numbers; setfattr -h -n trusted.of-symlink -v s dangling
  setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 numbers
  for mode in 0 400 111 640 1777 2755 4755 6711 7777; do chmod $mode mode$mode dir$mode; done
  touch -d '1999-12-31 23:59:59.123456789' tree/*; touch -d '1931-05-06 07:08:09.987654321' plain; touch -d '2150-01-01 00:00:00.000000001' random
  touch -d '2001-02-03 04:05:06.700000008' names/* fifo null block; touch -h -d '2010-11-12 13:14:15.161718192' dangling links/soft
  find . -depth -type d -exec touch -d '2011-12-13 14:15:16.171819202' {} +`

/** All that stat, readlink and getfattr say of a tree; which names are one file by their first name. */
const list = (tree: string) => `( cd ${tree}
  find . -printf '%i %P\\0' | LC_ALL=C sort -z -k2 | perl -0ne 'chomp; my ($i, $n) = split / /, $_, 2; print "$n is ", $first{$i} //= $n, "\\n"' | cat -v
  find . ! -type d -printf '%P %y %#m %U:%G links %n size %s %T@ -> %l\\0' | LC_ALL=C sort -z | tr '\\0' '\\n' | cat -v
  find . -type d -printf '%P %y %#m %U:%G %T@\\0' | LC_ALL=C sort -z | tr '\\0' '\\n' | cat -v
  stat -c '%n %t,%T' null block
  find . -print0 | LC_ALL=C sort -z | xargs -0 getfattr -hd -m - -e hex | cat -v )`

if (cannotRun) t.plan(0, cannotRun)
else {
  const bench = await Bench.start(t)

  bench.test(t, 'rsync -aHAX copies all there is, and then has nothing to do', async (t, places) => {
    const { mount, local, localDirectory, mountDirectory } = places
    await local(makeOriginal)
    const original = await local(list('original'))
    t.ok(
      /plain f 0644 1234:5678 links 3 size 2 -1219942311\.9876543210 /.test(original),
      'the listing shows links and times',
    )
    const rsync = 'rsync -aHAX --sparse --itemize-changes'
    t.match(await mount(`${rsync} ${localDirectory}/original/ copy/`), /numbers/)
    t.equal(await mount(list('copy')), original)
    t.equal(
      await mount(`${rsync} --delete ${localDirectory}/original/ copy/`),
      '',
      'the second finds nothing to transfer',
    )
    t.equal(await mount(`${rsync} --checksum ${localDirectory}/original/ copy/`), '', 'nor do checksums')
    t.equal(
      await mount(
        `diff -r --no-dereference ${localDirectory}/original/tree copy/tree && cmp copy/holes ${localDirectory}/original/holes`,
      ),
      '',
    )
    await local(
      `cd original; rm -r tree/*s.js; echo y >> plain; chmod 600 numbers; rm hard1; setfattr -x user.text plain; touch -d '2020-01-01 00:00:00.000000002' tree .`,
    )
    await mount(`${rsync} --delete ${localDirectory}/original/ copy/`)
    const changed = await local(list('original'))
    t.equal(await mount(list('copy')), changed, 'changes follow')
    await local(`${rsync} ${mountDirectory}/copy/ back/`)
    t.equal(await local(list('back')), changed, 'and all comes back')
  })

  bench.test(t, 'tar packs and unpacks all there is', async (t, places) => {
    const { mount, local, localDirectory, mountDirectory } = places
    await local(makeOriginal)
    const original = await local(list('original'))
    const tar = 'tar --format=pax --xattrs --xattrs-include="*" --sparse --numeric-owner'
    await local(`${tar} -C original -cf packed.tar .`)
    await mount(`mkdir copy && ${tar} -C copy -xpf ${localDirectory}/packed.tar --same-owner`)
    t.equal(await mount(list('copy')), original)
    t.equal(await mount(`${tar} -C copy --compare -f ${localDirectory}/packed.tar`), '', 'tar sees no difference')
    await mount(`${tar} -C copy -cf packed.tar .`)
    await local(`mkdir back && ${tar} -C back -xpf ${mountDirectory}/packed.tar --same-owner`)
    t.equal(await local(list('back')), original, 'and all comes back')
    t.equal(await mount('rm -r copy && ls'), 'packed.tar')
  })

  bench.test(t, 'cp -a and mv keep all there is', async (t, { mount, local, localDirectory, mountDirectory }) => {
    await local(makeOriginal)
    const original = await local(list('original'))
    await mount(
      `cp -a ${localDirectory}/original copy && cp -a copy again && diff -r --no-dereference copy/tree again/tree`,
    )
    await mount('mkdir away && mv again away/moved')
    t.equal(await mount(list('away/moved')), original)
    await local(`mv ${mountDirectory}/away/moved back`)
    t.equal(await local(list('back')), original, 'out of the mount, too')
    t.equal(await mount('ls -A away'), '')
  })
}
