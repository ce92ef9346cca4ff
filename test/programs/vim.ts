// vim: saves through a rename or in place, with a swap file beside the text.

import t from 'tap'
import { Bench, cannotRun } from './harness.js'

const vim = 'vim.tiny -u NONE -i NONE -n -es'

if (cannotRun) t.plan(0, cannotRun)
else {
  const bench = await Bench.start(t)

  const ways: readonly [option: string, isNewFile: boolean][] = [
    ['backupcopy=no', true],
    ['backupcopy=yes', false],
  ]
  for (const [option, isNewFile] of ways) {
    bench.test(t, `vim saves with ${option}`, async (t, { both }) => {
      const seen = await both(`
        seq 5000 > text; chmod 751 text; chown 12:34 text; touch -d '2001-02-03 04:05:06' text; before=$(stat -c %i text)
        ${vim} -c 'set ${option} backupskip= fsync' -c '%s/^4\\(.*\\)$/four \\1/' -c wq text
        sha256sum < text; stat -c '%a %u:%g %s' text; ls -A; test $(stat -c %Y text) -gt 1500000000
        test $(stat -c %i text) = $before && echo same || echo new`)
      t.match(seen, isNewFile ? /^new$/m : /^same$/m)
    })
  }

  bench.test(t, 'vim keeps a backup, and edits through links', async (t, { both }) => {
    await both(`
      echo one > text; ${vim} -c 'set backup backupcopy=no backupdir=. backupskip= writebackup' -c 's/one/two/' -c wq text; cat text text~; ls -A
      ln text hard; ln -s text soft
      ${vim} -c 's/two/three/' -c wq hard; ${vim} -c 's/three/four/' -c wq soft
      cat text hard soft; readlink soft; stat -c %h text; ls -A`)
    t.pass()
  })

  bench.test(t, 'what was typed before vim was killed comes back from its swap file', async (t, { both }) => {
    const recovered = await both(`
      seq 3000 > text; mkfifo commands
      vim.tiny -u NONE -i NONE -es -c 'set directory=.' text < commands & pid=$!
      exec 3> commands; printf '%%s/^/one /\\npreserve\\nw ready\\n' >&3
      for i in $(seq 200); do test -s ready && break; sleep 0.05; done
      kill -KILL $pid; wait || true; exec 3>&-; rm commands ready; ls -A
      vim.tiny -u NONE -i NONE -es -r -c 'w! recovered' -c 'qa!' text || true
      sha256sum < recovered; grep -c '^one ' recovered; rm .text.swp; ls -A`)
    t.match(recovered, /^3000$/m)
  })
}
