// Content of files: sizes, holes, appends, several users at once, and files
// that lost their name while they were open.

import type { Test } from 'tap'
import { type MountUnderTest, Workbench } from './mount-under-test.js'

export function fileSuite(t: Test, mount: MountUnderTest): void {
  const bench = new Workbench(mount, 'files')

  bench.test(t, '150 MB go in and come out, across the borders of chunks', async (t, sh) => {
    const sum = await sh(`
      data() { (seq 100000000 || true) | head -c 150000000; }
      data | dd of=big bs=1M iflag=fullblock status=none; data | sha256sum`)
    t.equal(await sh('sha256sum < big'), sum)
    t.equal(await sh('stat -c %s big'), '150000000')
    t.equal(await sh('dd if=big bs=100 count=1 skip=1342177 status=none | wc -c'), '100', 'from within')
  })

  bench.test(t, 'a hole reads as zeros', async (t, sh) => {
    await sh('printf head > f && printf tail | dd of=f bs=1M seek=150 conv=notrunc status=none')
    t.equal(await sh('stat -c %s f'), String(150 * 2 ** 20 + 4))
    t.equal(await sh('head -c 4 f; tail -c 4 f'), 'headtail')
    t.equal(await sh('tail -c +5 f | head -c -4 | tr -d "\\0" | wc -c'), '0')
  })

  bench.test(t, 'truncate cuts, and what is added again is zeros', async (t, sh) => {
    await sh('seq 200000 > f && truncate -s 100000 f')
    t.equal(await sh('stat -c %s f && (seq 200000 || true) | head -c 100000 | cmp - f'), '100000')
    await sh('truncate -s 200000 f')
    t.equal(await sh('tail -c 100000 f | tr -d "\\0" | wc -c'), '0')
    t.equal(await sh('truncate -s 0 f && stat -c %s f && echo x > f && cat f'), '0\nx')
    await sh('truncate -s 200M f && truncate -s 100M f && truncate -s 130M f')
    t.equal(await sh('stat -c %s f && tail -c +3 f | tr -d "\\0" | wc -c'), `${130 * 2 ** 20}\n0`)
  })

  bench.test(t, 'overwriting in the middle leaves the rest', async (t, sh) => {
    await sh('seq 100000 > f && cp f g && printf XYZ | dd of=f bs=1 seek=70001 conv=notrunc status=none')
    t.equal(await sh('(cmp -l f g || true) | wc -l'), '3')
    t.equal(await sh('dd if=f bs=1 skip=70001 count=3 status=none'), 'XYZ')
  })

  bench.test(t, '>> appends', async (t, sh) => {
    await sh('for i in $(seq 200); do echo line $i >> f; done')
    t.equal(await sh('seq 200 | sed "s/^/line /" | cmp - f && wc -l < f'), '200')
  })

  bench.test(t, 'appends of several processes are all there', async (t, sh) => {
    await sh(`
      for p in 1 2 3 4 5; do (for i in $(seq 100); do echo "$p $i" >> f; done) & done; wait
      for p in 1 2 3 4 5; do seq 100 | sed "s/^/$p /"; done | sort > want`)
    t.equal(await sh('sort f | cmp - want && wc -l < f'), '500')
  })

  bench.test(t, 'readers and writers work side by side', async (t, sh) => {
    await sh(`
      seq 300000 > source
      for i in 1 2 3 4 5 6; do cp source copy$i & done
      for i in 1 2 3 4; do (for j in 1 2 3; do cmp source source; done) & done
      for job in $(jobs -p); do wait $job; done
      for i in 1 2 3 4 5 6; do cmp source copy$i; done`)
    t.equal(await sh('sha256sum source copy* | cut -c1-64 | sort -u | wc -l'), '1')
  })

  bench.test(t, 'what is written can be read before it is closed', async (t, sh) => {
    t.equal(await sh('exec 3> f; echo early >&3; cat f; stat -c %s f; exec 3>&-'), 'early\n6')
  })

  bench.test(t, 'a file without a name lives while it is open', async (t, sh) => {
    const seen = await sh(`
      mkdir d; echo before > d/f; exec 3<>d/f; rm d/f
      ls -A d; cat <&3; echo after >&3
      stat -L -c '%s %h' /proc/self/fd/3
      truncate -s 3 /proc/self/fd/3; stat -L -c %s /proc/self/fd/3; chmod 600 /proc/self/fd/3; stat -L -c %a /proc/self/fd/3
      touch -d @1000000000 /proc/self/fd/3; stat -L -c %Y /proc/self/fd/3
      cat /proc/self/fd/3; rmdir d 2>/dev/null || echo; ls -A; exec 3>&-; rmdir d 2>/dev/null || true; ls -A`)
    // The directory may have to stay until the file is closed.
    t.match(seen, /^before\n13 0\n3\n600\n1000000000\nbef\n?(d\n?)?$/)
  })

  bench.test(t, 'a rename over an open file leaves its reader the old one', async (t, sh) => {
    const seen = await sh(`
      echo old > f; echo new > g; exec 3< f; mv g f
      cat f; cat <&3; stat -L -c %h /proc/self/fd/3; exec 3<&-; ls -A`)
    t.equal(seen, 'new\nold\n0\nf')
  })

  bench.test(t, 'a name that was open and removed can be taken again at once', async (t, sh) => {
    t.equal(await sh('echo 1 > f; exec 3< f; rm f; echo 2 > f; cat f; cat <&3; exec 3<&-; cat f'), '2\n1\n2')
  })

  bench.test(t, 'fsync and O_DIRECT are taken', async (t, sh) => {
    await sh(
      'dd if=/dev/zero of=f bs=64K count=4 conv=fsync status=none && dd if=/dev/zero of=g bs=4K count=4 oflag=sync status=none',
    )
    t.equal(await sh('stat -c %s f g && sync f . && echo synced'), '262144\n16384\nsynced')
  })

  bench.test(t, 'df knows the file system', async (t, sh) => {
    const [type, size, free] = (await sh('df --output=fstype,size,avail . | tail -1')).trim().split(/ +/)
    t.equal(type, 'fuse.leasefs')
    t.ok(Number(size) > 0)
    t.ok(Number(free) > 0 && Number(free) <= Number(size))
    t.equal(await sh('stat -f -c %l .'), '255')
  })

  bench.test(t, 'extended attributes stay with the file', async (t, sh) => {
    // tar is the tool for them that is always there.
    const packed = `--xattrs --xattrs-include='*' --format=pax`
    await sh(`
      echo 1 > f && tar --format=pax --pax-option 'SCHILY.xattr.user.color:=blue,SCHILY.xattr.user.size:=large' -cf a.tar f
      rm f && tar ${packed} -xf a.tar`)
    const attributes = (name: string) => sh(`tar ${packed} -cf - ${name} | grep -ao 'SCHILY[^\\n]*' | sort`)
    const want = 'SCHILY.xattr.user.color=blue\nSCHILY.xattr.user.size=large'
    t.equal(await attributes('f'), want)
    await sh('cp --preserve=xattr f g && mv f h')
    t.equal(await attributes('g'), want, 'copied by cp')
    t.equal(await attributes('h'), want, 'moved with the file')
  })
}
