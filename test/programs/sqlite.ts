// sqlite3: locks of byte ranges, a journal that is synced and unlinked, a log with
// an index in shared memory; processes side by side, on one mount and on two.

import t from 'tap'
import { Bench, cannotRun, run } from './harness.js'

const transactions = 20

/** SQL for one process: adds to a counter and to a ledger in transactions, together with others. */
const work = (who: string) => `
  { echo '.timeout 60000'
    for i in $(seq ${transactions}); do
      echo 'BEGIN IMMEDIATE;'
      echo "INSERT INTO ledger SELECT '${who}', $i, n, hex(randomblob(300)) FROM counter; UPDATE counter SET n = n + 1;"
      echo 'COMMIT;'
    done; } | sqlite3 -bail`

const makeDatabase = (mode: string) => `
  sqlite3 -bail db "PRAGMA journal_mode = ${mode}; PRAGMA synchronous = FULL;
    CREATE TABLE counter(n INTEGER); INSERT INTO counter VALUES (0);
    CREATE TABLE ledger(who TEXT, i INTEGER, n INTEGER, data TEXT, PRIMARY KEY (who, i)); CREATE UNIQUE INDEX by_n ON ledger(n);"`

/** That no update was lost: every number was seen once. */
const verify = `
  sqlite3 -bail db 'PRAGMA integrity_check; SELECT n FROM counter; SELECT count(*), count(DISTINCT n), max(n) FROM ledger;
    SELECT who, count(*) FROM ledger GROUP BY who;'; ls`

const verified = (...who: string[]) => {
  const all = who.length * transactions
  return ['ok', all, `${all}|${all}|${all - 1}`, ...who.map(who => `${who}|${transactions}`), 'db'].join('\n')
}

if (cannotRun) t.plan(0, cannotRun)
else {
  const bench = await Bench.start(t, 2)

  for (const mode of ['delete', 'truncate', 'persist', 'wal']) {
    bench.test(t, `two processes at once in journal mode ${mode} lose nothing`, async (t, { both, mount }) => {
      t.equal(await both(makeDatabase(mode)), mode)
      await both(`( ${work('a')} db ) & a=$!; ( ${work('b')} db ) & b=$!; wait $a; wait $b`)
      t.equal(await mount(`rm -f db-journal; ${verify}`), verified('a', 'b'))
    })
  }

  bench.test(t, 'processes on two mounts lose nothing', async (t, { mount, mountDirectory, scratch }) => {
    const [, second = ''] = bench.mountPoints
    const there = mountDirectory.replace(bench.mountPoints[0] ?? '', second)
    t.equal(await mount(makeDatabase('delete')), 'delete')
    await Promise.all([mount(`${work('here')} db`), run(t, `${work('there')} db`, there, scratch)])
    t.equal(await mount(verify), verified('here', 'there'))
    t.equal(await run(t, verify, there, scratch), verified('here', 'there'))
  })

  for (const mode of ['delete', 'wal']) {
    bench.test(t, `a process killed in a transaction leaves nothing of it (${mode})`, async (t, { mount }) => {
      t.equal(await mount(makeDatabase(mode)), mode)
      const seen = await mount(`
        mkfifo fifo; sqlite3 -bail db < fifo > started & pid=$!; exec 3> fifo
        echo "PRAGMA cache_size = 5; INSERT INTO ledger VALUES ('kept', 1, -1, '');
          BEGIN; WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 2000)
            INSERT INTO ledger SELECT 'lost', i, i, hex(randomblob(300)) FROM c; SELECT 'inserted';" >&3
        until grep -q inserted started; do sleep 0.05; done
        test -s db-${mode === 'wal' ? 'wal' : 'journal'} && kill -KILL $pid; wait $pid || true; exec 3>&-
        sqlite3 -bail db "PRAGMA integrity_check; SELECT DISTINCT who FROM ledger;"`)
      t.equal(seen, 'ok\nkept')
    })
  }

  bench.test(t, 'what is built, dumped and vacuumed is the same as on the local file system', async (t, { both }) => {
    await both(`
      sqlite3 -bail db "CREATE TABLE t(i INTEGER PRIMARY KEY, s TEXT);
        WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 10000) INSERT INTO t SELECT i, printf('%0100d', i * 7919 % 10000) FROM c;
        CREATE INDEX by_s ON t(s); DELETE FROM t WHERE i % 3 = 0; VACUUM; PRAGMA integrity_check;"
      sqlite3 db .dump | sha256sum; sha256sum < db; stat -c %s db
      sqlite3 db 'PRAGMA mmap_size = 100000000; SELECT count(*), sum(i), min(s), max(s) FROM t;'`)
    t.pass()
  })
}
