// Names: what moves, links and removes them, and the errors on the way.

import type { Test } from 'tap'
import { type MountUnderTest, Workbench } from './mount-under-test.js'

export function nameSuite(t: Test, mount: MountUnderTest): void {
  const bench = new Workbench(mount, 'names')

  bench.test(t, 'mv renames and replaces files and directories', async (t, sh) => {
    await sh('mkdir d e && echo 1 > d/a && mv d/a e/b && mv e f')
    t.equal(await sh('find . -type f && cat f/b'), './f/b\n1')
    await sh('echo 2 > c && mv -f c f/b && cat f/b | grep -x 2')
    await sh('mkdir g && mv -T f g && test ! -e f && cat g/b | grep -x 2')
    await sh('mkdir h && touch h/x')
    await t.rejects(sh('mv -T g h'), /not empty/i)
    await t.rejects(sh('mv g g/inside'), /subdirectory of itself/)
  })

  bench.test(t, 'the inode number stays when a name changes', async (t, sh) => {
    const before = await sh('echo 1 > a && stat -c %i a')
    t.equal(await sh('mkdir d && mv a d/b && stat -c %i d/b'), before)
    t.equal(await sh('cat d/b > /dev/null && ls -i d/b | cut -d" " -f1'), before, 'readdir says the same')
  })

  bench.test(t, 'hard links share an inode, a count and the content', async (t, sh) => {
    await sh('echo 1 > a && ln a b && mkdir d && ln a d/c && echo 2 >> b')
    t.equal(await sh('cat d/c'), '1\n2')
    t.equal(await sh('stat -c %i a b d/c | sort -u | wc -l'), '1')
    t.equal(await sh('stat -c %h a b d/c | sort -u'), '3')
    t.equal(await sh('ls -i a b d/c | sed "s/^ *//" | cut -d" " -f1 | sort -u'), await sh('stat -c %i a'))
    await sh('rm a')
    t.equal(await sh('stat -c %h b d/c | sort -u'), '2')
    await t.rejects(sh('ln d e'), /hard link not allowed/)
    await t.rejects(sh('ln b d/c'), /File exists/)
  })

  bench.test(t, 'symlinks point where they were told to', async (t, sh) => {
    await sh('mkdir d && echo 1 > d/f && ln -s d/f l && ln -s nowhere dangling && ln -s . here')
    t.equal(await sh('readlink l dangling here'), 'd/f\nnowhere\n.')
    t.equal(await sh('cat l here/here/l'), '1\n1')
    t.equal(await sh('stat -c %F%s l'), 'symbolic link3')
    await t.rejects(sh('cat dangling'), /No such file/)
    const long = 'x'.repeat(200)
    t.equal(await sh(`ln -s ${`${long}/`.repeat(20)}y long && readlink long | wc -c`), String(201 * 20 + 2))
  })

  bench.test(t, 'chmod sets every permission bit', async (t, sh) => {
    await sh('touch f && mkdir d')
    for (const mode of ['0', '400', '755', '1777', '2750', '7777']) {
      t.equal(await sh(`chmod ${mode} d && stat -c %a d`), mode)
    }
    t.equal(await sh('umask 027 && touch g && mkdir e && stat -c %a g e'), '640\n750', 'the umask holds')
    t.equal(await sh('chmod 000 f; stat -c %a f'), '0')
    if (!bench.isRoot) await t.rejects(sh('cat f'), /Permission denied/)
  })

  bench.test(t, 'in a set-group-id directory, what is made has its group', async (t, sh) => {
    await sh('mkdir d && chmod 2755 d && mkdir d/e && touch d/f')
    t.equal(await sh('stat -c %a d/e d/f'), '2755\n644')
    if (bench.isRoot) t.equal(await sh('chgrp 77 d && mkdir d/g && touch d/h && stat -c %g d/g d/h'), '77\n77')
  })

  bench.test(t, 'touch -d sets access and modification time apart', async (t, sh) => {
    await sh(`touch f && touch -a -d '2001-02-03 04:05:06.789' f && touch -m -d '2010-11-12 13:14:15.123' f`)
    t.equal(
      await sh(`stat -c '%x|%y' f | sed 's/000000 / /g'`),
      '2001-02-03 04:05:06.789 +0000|2010-11-12 13:14:15.123 +0000',
    )
    await sh(`mkdir d && touch -d '2005-06-07 08:09:10' d`)
    t.equal(await sh('stat -c %Y d'), '1118131750', 'also of a directory')
    await sh(`touch -m -d @4102444800 f`)
    t.equal(await sh('stat -c %X:%Y f'), '981173106:4102444800', 'also far ahead')
    await sh('touch f')
    t.ok(Math.abs(Number(await sh('stat -c %Y f')) - Date.now() / 1000) < 60, 'without a date it is now')
  })

  bench.test(t, 'writing moves the modification time, reading does not', async (t, sh) => {
    await sh(`echo 1 > f && touch -d '2001-01-01' f && cat f > /dev/null`)
    t.match(await sh('stat -c %y f'), /^2001-01-01/)
    await sh('echo 2 >> f')
    t.notMatch(await sh('stat -c %y f'), /^2001-01-01/)
  })

  bench.test(t, 'errors are the ones POSIX names', async (t, sh) => {
    await sh('mkdir d && touch d/f g')
    const cases: [script: string, error: RegExp][] = [
      ['rmdir d', /Directory not empty/],
      ['mkdir d', /File exists/],
      ['cat missing', /No such file or directory/],
      ['rmdir missing', /No such file or directory/],
      ['cat g/x', /Not a directory/],
      ['rmdir g', /Not a directory/],
      ['unlink d', /Is a directory/],
      ['echo > d', /Is a directory/],
      ['mv -T g d', /cannot overwrite directory/],
      [`touch ${'n'.repeat(256)}`, /File name too long/],
      [`stat ${'n'.repeat(256)}/x`, /File name too long/],
      [`set -C; echo > g`, /cannot overwrite existing file/],
      ['truncate -s -1 missing/x', /No such file or directory/],
    ]
    for (const [script, error] of cases) await t.rejects(sh(script), { message: error }, script)
    await sh(`touch ${'n'.repeat(255)} && rm ${'n'.repeat(255)}`)
  })

  bench.test(t, 'names may be any text', async (t, sh) => {
    const names = ['with space', "quote'", 'back\\slash', 'new\nline', 'é中😀', '-dash', '*', '.hidden']
    const quoted = names.map(name => `'${name.replaceAll("'", "'\\''")}'`)
    await sh(`touch -- ${quoted.join(' ')}`)
    const found = (await sh('find . -mindepth 1 -printf "%f\\0"')).split('\0').filter(Boolean)
    t.same(found.sort(), [...names].sort())
    for (const name of quoted) await sh(`echo 1 > ./${name} && rm -- ${name}`)
    t.equal(await sh('ls -A'), '')
  })

  bench.test(t, 'fifos, sockets and devices keep what they are', async (t, sh) => {
    await sh('mkfifo p')
    t.equal(await sh('stat -c %F p'), 'fifo')
    t.equal(await sh('(echo through > p &) ; cat p'), 'through')
    if (!bench.isRoot) return
    await sh('mknod c c 5 7 && mknod b b 259 300')
    t.equal(await sh('stat -c "%F %t %T" c b'), 'character special file 5 7\nblock special file 103 12c')
  })

  bench.test(t, 'a directory of 2,500 entries lists each once', async (t, sh) => {
    await sh('mkdir d && cd d && seq -f "entry-%.0f" 2500 | xargs touch')
    t.equal(await sh('ls -A d | wc -l && ls -A d | sort -u | wc -l'), '2500\n2500')
    t.equal(await sh('find d -type f | wc -l'), '2500')
    t.equal(await sh('cd d && rm entry-*[02468] && ls -A | wc -l'), '1250')
    t.equal(await sh('rm -r d; ls -A'), '', 'rm -r reads while it removes')
  })
}
