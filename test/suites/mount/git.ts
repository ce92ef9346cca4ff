// git: many small files, renames over names, locks by O_EXCL, memory maps.

import type { Test } from 'tap'
import { type MountUnderTest, Workbench } from './mount-under-test.js'
import { realTree } from './trees.js'

export function gitSuite(t: Test, mount: MountUnderTest): void {
  const bench = new Workbench(mount, 'git')

  bench.test(t, 'git keeps a repository on the mount, and fsck finds nothing', async (t, sh) => {
    const git = 'git -c user.name=x -c user.email=x@x -c init.defaultBranch=main -c gc.auto=0'
    await sh(`
      mkdir repo && cd repo && ${git} init -q && cp -r ${realTree} tree && ${git} add . && ${git} commit -qm first
      echo changed >> "$(find tree -type f | sort | head -1)" && ${git} commit -qam second && ${git} gc -q && ${git} fsck --strict --no-progress`)
    t.equal(await sh('cd repo && git log --format=%s && git status --porcelain'), 'second\nfirst')
    await sh(
      'git clone -q --no-hardlinks repo copy && diff -r repo/tree copy/tree && cd copy && git fsck --no-progress',
    )
    t.equal(await sh(`cd copy && ${git} checkout -q HEAD~ && ${git} log --format=%s`), 'first')
    t.equal(await sh('cd copy && git status --porcelain'), '')
  })
}
