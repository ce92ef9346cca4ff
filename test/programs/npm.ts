// npm: packages installed on the mount from tarballs packed there, without a
// network; what is installed runs.

import t from 'tap'
import { Bench, cannotRun, realTree } from './harness.js'

const npm = 'npm --offline --no-audit --no-fund --no-update-notifier --loglevel=error'

/** Three packages: one is used by another, and one is a real tree; and a program that wants them all. */
const makePackages = `
  mkdir -p greeting shout/bin tree app
  echo '{ "name": "greeting", "version": "1.2.3", "main": "index.js" }' > greeting/package.json
  echo 'module.exports = name => "hello " + name' > greeting/index.js
  cat > shout/package.json <<'END'
    { "name": "@leasefs-test/shout", "version": "2.0.0", "bin": { "shout": "bin/shout.js" }, "dependencies": { "greeting": "^1.0.0" },
      "scripts": { "postinstall": "node -p 'require(\\"greeting\\")(\\"script\\")' > installed" } }
END
  printf '#!/usr/bin/env node\\nconsole.log(require("greeting")(process.argv[2]).toUpperCase())\\n' > shout/bin/shout.js
  cp -r ${realTree}/utils/. tree/; echo '{ "name": "tree", "version": "1.0.0" }' > tree/package.json
  ${npm} pack ./greeting ./shout ./tree > /dev/null
  cat > app/package.json <<'END'
    { "name": "app", "version": "1.0.0", "dependencies": {
      "greeting": "file:../greeting-1.2.3.tgz", "@leasefs-test/shout": "file:../leasefs-test-shout-2.0.0.tgz", "tree": "file:../tree-1.0.0.tgz" } }
END`

if (cannotRun) t.plan(0, cannotRun)
else {
  const bench = await Bench.start(t)

  bench.test(t, 'packages are packed, installed, run, installed anew and taken away', async (t, { both, mount }) => {
    await both(`${makePackages}
      ls *.tgz`)
    const installed = await both(`
      cd app; ${npm} install > /dev/null; node_modules/.bin/shout world; readlink node_modules/.bin/shout
      cat node_modules/@leasefs-test/shout/installed; diff -r ../tree node_modules/tree; sha256sum < package-lock.json; cd node_modules
      find . -printf '%P %y %m %l\\n' | sort; find . -type f ! -name .package-lock.json -print0 | sort -z | xargs -0 sha256sum | sha256sum`)
    t.match(installed, /^HELLO WORLD$/m)
    const names = `find . -printf '%P %y %m\\n' | sort`
    await mount(`cd app; ${names} > ../before; ${npm} ci > /dev/null; ${names} | cmp - ../before`)
    t.equal(await mount('app/node_modules/.bin/shout again'), 'HELLO AGAIN')
    await mount(`cd app; ${npm} uninstall tree @leasefs-test/shout greeting > /dev/null`)
    t.equal(
      await mount(`find app -type f ! -name '.*'`).then(names => names.split('\n').sort().join()),
      'app/package-lock.json,app/package.json',
    )
  })
}
