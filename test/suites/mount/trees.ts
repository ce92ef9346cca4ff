// Trees of files, with the tools that people copy, pack and search them with.

import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import { type MountUnderTest, Workbench } from './mount-under-test.js'

/** A real tree that is wherever node is: JavaScript of npm, 140 files in 20 directories. */
export const realTree = join(dirname(process.execPath), '../lib/node_modules/npm/lib')

export function treeSuite(t: Test, mount: MountUnderTest): void {
  const bench = new Workbench(mount, 'trees')

  bench.test(t, 'cp -r copies a real tree, and diff -r finds no difference', async (t, sh) => {
    await sh(`cp -r ${realTree} tree`)
    t.equal(await sh(`diff -r ${realTree} tree`), '')
    t.ok(Number(await sh('find tree -type f | wc -l')) > 50, 'the tree is worth the name')
    t.equal(await sh('find tree -type f | wc -l'), await sh(`find ${realTree} -type f | wc -l`))
  })

  bench.test(t, 'cp -a keeps modes, symlinks and modification times', async (t, sh) => {
    await sh(`
      mkdir a && echo x > a/file && chmod 640 a/file && ln -s file a/link && mkdir a/empty && chmod 750 a/empty
      touch -d '2003-04-05 06:07:08' a/file a/empty
      cp -a a b`)
    const list = (name: string) =>
      sh(`cd ${name} && find . -mindepth 1 -printf '%P %y %m %l %Ts\\n' | grep -v link | sort`)
    t.equal(await list('b'), await list('a'))
    t.equal(await sh('readlink b/link'), 'file')
  })

  bench.test(t, 'sha256sum -c confirms every file of a tree', async (t, sh) => {
    await sh(
      `cp -r ${realTree} tree && cd ${realTree} && find . -type f | sort | xargs -d '\\n' sha256sum > "$OLDPWD/sums"`,
    )
    await sh('cd tree && sha256sum --quiet -c ../sums')
    await sh('echo x >> "tree/$(head -1 sums | cut -c67-)"')
    await t.rejects(sh('cd tree && sha256sum --quiet -c ../sums'), 'a changed file is found')
  })

  bench.test(t, 'a tree goes through tar and comes out the same, times included', async (t, sh) => {
    await sh(`
      mkdir in && cd in && cp -r ${realTree} tree && ln -s tree link && ln tree/../$(find tree -type f | head -1) hard
      touch -d '2001-02-03 04:05:06' hard && touch -d '1999-12-31 23:59:59' tree && cd ..
      tar -C in -cf packed.tar . && mkdir out && tar -C out -xpf packed.tar`)
    t.equal(await sh('diff -r --no-dereference in out'), '')
    const list = (name: string) =>
      sh(
        `cd ${name} && find . ! -type l -printf '%P %y %m %n %s %Ts\\n' | grep -v '^ d' | sed 's/ d \\([0-9]*\\) [0-9]* [0-9]*/ d \\1/' | sort`,
      )
    t.equal(await list('out'), await list('in'), 'modes, links, sizes and times')
    t.equal(await sh(`stat -c '%y' out/hard`), '2001-02-03 04:05:06.000000000 +0000')
  })

  bench.test(
    t,
    'tar restores owners',
    async (t, sh) => {
      await sh(`
        mkdir in && echo 1 > in/a && echo 2 > in/b && ln -s a in/l
        chown 1234:5678 in/a && chown -h 42:43 in/l && chown 7:8 in && chmod 4751 in/b
        tar -C in -cf packed.tar . && mkdir out && tar -C out --same-owner -xpf packed.tar`)
      t.equal(
        await sh(`stat -c '%n %u %g %a' out out/a out/b out/l`),
        'out 7 8 755\nout/a 1234 5678 644\nout/b 0 0 4751\nout/l 42 43 777',
      )
    },
    bench.isRoot ? undefined : 'only root gives files away',
  )

  bench.test(t, 'find and grep -r find what is there, and nothing else', async (t, sh) => {
    await sh(
      `mkdir -p a/b/c d && echo needle > a/b/c/1 && echo hay > a/b/2 && printf 'x\\nneedle\\n' > d/3 && touch -d '2 days ago' d/old`,
    )
    t.equal(await sh('find . -type f | sort'), './a/b/2\n./a/b/c/1\n./d/3\n./d/old')
    t.equal(await sh('find . -type f -mtime +1'), './d/old')
    t.equal(await sh('find . -size +6c -type f'), './a/b/c/1\n./d/3')
    t.equal(await sh('grep -rl needle . | sort'), './a/b/c/1\n./d/3')
    t.equal(await sh('grep -rc nothing . | grep -vc ":0$" || true'), '0')
  })

  bench.test(t, 'sed -i edits in place and keeps the mode', async (t, sh) => {
    await sh(`printf 'one\\ntwo\\n' > f && chmod 741 f && sed -i 's/two/three/' f`)
    t.equal(await sh('cat f && stat -c %a f'), 'one\nthree\n741')
    t.equal(await sh('ls -A'), 'f')
  })

  bench.test(t, 'rm -r takes a whole tree', async (t, sh) => {
    await sh(`cp -r ${realTree} tree && rm -r tree`)
    t.equal(await sh('ls -A'), '')
  })

  bench.test(t, 'a path of many directories works', async (t, sh) => {
    // 15 names of 255 bytes: as long as a path may be.
    await sh(
      `n=$(printf 'd%.0s' $(seq 250)); p=.; for i in $(seq 10 24); do p=$p/$n$i; done; mkdir -p $p && echo deep > $p/f && cat $p/f`,
    )
    t.equal(await sh('find . -name f -exec cat {} +'), 'deep')
    await sh('rm -r d*')
  })
}
