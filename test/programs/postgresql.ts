// PostgreSQL with its data on the mount: syncs, renames, preallocated logs, pages
// with checksums; stopped as one should, and killed.

import t from 'tap'
import { Bench, cannotRun } from './harness.js'

/**
 * For the user whom the package made; Debian keeps the programs of each version where
 * no shell looks. What a killed server leaves in /dev/shm goes with the script.
 */
const prelude = (scratch: string) => `
  mkdir -p ${scratch}/here; mount --bind postgres ${scratch}/here; mount -t tmpfs shm /dev/shm; cd ${scratch}/here
  PATH=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1):$PATH; export PGHOST=${scratch}/socket PGUSER=postgres PGDATABASE=postgres
  as='setpriv --reuid postgres --regid postgres --init-groups'
  start() {
    $as postgres -D data -k "$PGHOST" -c listen_addresses= -c shared_buffers=16MB -c max_wal_size=64MB "$@" > log 2>&1 & server=$!
    for i in $(seq 300); do $as pg_isready -q && return; kill -0 $server; sleep 0.1; done; cat log >&2; return 1
  }
  stop() { kill -INT $server; wait $server; }
  ask() { $as psql -qAtX -v ON_ERROR_STOP=1 "$@"; }`

/** Every transaction of pgbench adds one amount to three balances and to the history. */
const sums = `SELECT (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(delta) FROM pgbench_history),
  (SELECT sum(bbalance) FROM pgbench_branches) = (SELECT sum(delta) FROM pgbench_history),
  (SELECT sum(tbalance) FROM pgbench_tellers) = (SELECT sum(delta) FROM pgbench_history), (SELECT count(*) > 0 FROM pgbench_history)`

if (cannotRun) t.plan(0, cannotRun)
else {
  const bench = await Bench.start(t)

  bench.test(
    t,
    'a database is made, serves several clients, is stopped, killed, and whole',
    async (t, { mount, scratch }) => {
      const sh = (script: string) => mount(`${prelude(scratch)}\n${script}`)
      await mount(`mkdir postgres ${scratch}/socket; chown postgres: postgres ${scratch}/socket; chmod 755 ${scratch}`)
      // A thousand files; small logs, and no sync of all in the end, for the sake of time: a server syncs what it does.
      await sh(
        '$as initdb -D data --data-checksums --auth=trust -E UTF8 --locale=C --wal-segsize=1 --no-sync > /dev/null',
      )
      t.equal(await sh('stat -c %a:%U data data/base | sort -u'), '700:postgres')

      const worked = await sh(`
      start; $as pgbench -q -i -s 1 2> /dev/null; $as pgbench -n -c 4 -j 2 -T 4
      ask -c '${sums}' -c 'VACUUM FULL pgbench_accounts' -c CHECKPOINT; stop`)
      t.match(worked, /number of failed transactions: 0 /)
      t.match(worked, /^t\|t\|t\|t$/m)

      const before = await sh(`
      start; $as pgbench -n -c 4 -T 60 > /dev/null 2>&1 & load=$!; sleep 2
      ask -c 'SELECT count(*) FROM pgbench_history'; kill -KILL $server; wait $server $load || true`)
      const after = await sh(`
      rm -f data/postmaster.pid "$PGHOST"/.s*
      start; grep -c 'automatic recovery' log; ask -c '${sums}' -c 'SELECT count(*) FROM pgbench_history'
      ask -c 'CREATE EXTENSION amcheck' -c "SELECT count(bt_index_check(indexrelid, true)) > 0 FROM pg_index JOIN pg_class ON oid = indexrelid WHERE relam = 403"
      stop`)
      const [recovered, sound, count, indexes] = after.split('\n')
      t.equal(recovered, '1')
      t.equal(sound, 't|t|t|t')
      t.ok(Number(count) >= Number(before), `what was committed is there: ${before}, then ${count}`)
      t.equal(indexes, 't')
      t.match(await sh('$as pg_checksums --check -D data'), /Bad checksums: +0$/m)
    },
  )
}
