// git: many small files, renames over names, locks by O_EXCL, memory maps, and an
// index that trusts modification times to the nanosecond.

import t from 'tap'
import { Bench, cannotRun, realTree } from './harness.js'

/** Everything that goes into the hash of a commit is fixed, so that the hashes can be compared. */
const fixed = `
  export GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@a GIT_COMMITTER_NAME=c GIT_COMMITTER_EMAIL=c@c
  export GIT_AUTHOR_DATE='2001-02-03 04:05:06 +0000' GIT_COMMITTER_DATE='2001-02-03 04:05:06 +0000'
  git config --global init.defaultBranch main; git config --global gc.auto 0; git config --global core.fsync all
`

/** A repository with a real tree and some history, outside of both file systems. */
const makeSource = `
  mkdir "$HOME/source"; cd "$HOME/source"; git init -q
  cp -r ${realTree}/commands tree; git add .; git commit -qm 'a tree'
  for i in 1 2 3; do
    find tree -name '*.js' | sort | sed -n "$i~9p" | while read -r file; do echo "// $i" >> "$file"; done
    git commit -qam "change $i"; git tag "v$i"
  done
  git branch side v1`

if (cannotRun) t.plan(0, cannotRun)
else {
  const bench = await Bench.start(t)

  bench.test(t, 'a clone has every commit, packs itself, and fsck finds nothing', async (t, { local, both }) => {
    await local(`${fixed}${makeSource}`)
    const clone = await both(`${fixed}
      git clone -q "file://$HOME/source" clone; cd clone
      git status --porcelain; git log --format='%H %T %s' --all; git ls-files -s | sha256sum`)
    t.match(clone, /change 3/)
    const packed = await both(`${fixed}
      cd clone; git checkout -q -b side origin/side; git repack -qd; git gc -q --prune=now; git fsck --full --strict --no-progress
      git count-objects -v | grep -E '^(count|in-pack|packs|garbage)'; git status --porcelain`)
    t.match(packed, /^count: 0\nin-pack: \d+\npacks: 1\ngarbage: 0$/)
  })

  bench.test(t, 'worktrees are added, committed in, merged and removed', async (t, { local, both }) => {
    await local(`${fixed}${makeSource}`)
    const log = await both(`${fixed}
      git clone -q "file://$HOME/source" clone; cd clone
      git worktree add -q -b other ../other v3; cd ../other
      git mv tree moved; echo new > new; git add .; git commit -qm moved; git rm -qr moved/trust; git commit -qm removed
      cd ../clone; git merge -q --no-ff -m merged other; git worktree remove ../other; git worktree prune; git worktree list | wc -l
      git log --format='%H %T %s'; git status --porcelain; test ! -e ../other; test ! -e moved/trust; ls`)
    t.match(log, /^1\n[^\n]* merged\n/)
  })

  bench.test(t, 'changes of the same size are seen at once, and stay in no index', async (t, { both }) => {
    await both(`${fixed}
      git init -q repo; cd repo; echo 0000 > f; git add f; git commit -qm 0
      for i in $(seq 1001 1015); do
        echo $i > f; if git diff --quiet; then echo "change $i is not seen"; fi
        git commit -qam $i; git diff --quiet || echo "$i is still a change"
      done
      git log -1 --format=%H`)
    await both(`${fixed}
      cd repo; git checkout -q -b b HEAD~5; for i in 1 2 3; do echo $i > f$i; git add .; git commit -qm b$i; done
      git checkout -q main; git rebase -q b 2>/dev/null; git log -9 --format='%H %s'; git reset -q --hard HEAD~8; git clean -fdxq
      echo stashed > f; git stash -q; git checkout -q b; git stash pop -q || true; git status --porcelain; cat f`)
    t.pass()
  })
}
