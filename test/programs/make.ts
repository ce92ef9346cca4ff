// A C project, configured and built: thousands of small reads and writes by many
// processes, and a tool that decides by modification times what to do.

import t from 'tap'
import { Bench, cannotRun } from './harness.js'

const unitCount = 12

/** Writes a project with a configure script as autoconf makes them, a library, a program and a test. */
const makeProject = `
  mkdir project; cd project
  cat > configure <<'END'
#!/bin/sh
# Finds out what the compiler can, and writes config.h and Makefile.
set -eu
prefix=/usr/local
for arg; do case $arg in --prefix=*) prefix=\${arg#*=};; *) echo "unknown option $arg" >&2; exit 1;; esac; done
try() { printf '%s\\n' "$1" > conftest.c; \${CC:-gcc} -o conftest conftest.c 2> conftest.log && ./conftest; }
exec 3> config.h.new
for header in stdint.h unistd.h no-such-header.h; do
  name=HAVE_$(printf %s "$header" | tr a-z.- A-Z__)
  if try "#include <$header>
int main(void) { return 0; }"; then echo "checking for $header... yes"; echo "#define $name 1" >&3
  else echo "checking for $header... no"; echo "/* #undef $name */" >&3; fi
done
try '#include <stdio.h>
int main(void) { return printf("#define SIZEOF_LONG %d\\n", (int)sizeof(long)) < 0; }' >&3
exec 3>&-
rm -f conftest*
mv config.h.new config.h
sed "s|@prefix@|$prefix|" Makefile.in > Makefile
echo "configure: done"
END
  chmod +x configure
  cat > Makefile.in <<'END'
prefix = @prefix@
units := $(basename $(wildcard unit*.c))
CFLAGS = -O1 -Wall -Werror -MMD
all: program
program: main.o libunits.a
	gcc -o $@ $^
libunits.a: $(units:=.o)
	ar rcsD $@ $^
%.o: %.c
	gcc $(CFLAGS) -c $<
check: all
	./program
install: all
	install -D -m 755 program $(DESTDIR)$(prefix)/bin/program
	install -D -m 644 libunits.a $(DESTDIR)$(prefix)/lib/libunits.a
clean:
	rm -f *.o *.d *.a program
-include *.d
END
  for i in $(seq ${unitCount}); do
    printf '#include "config.h"\\n#include "unit.h"\\n%s\\nlong unit%d(void) { return %d * SIZEOF_LONG; }\\n' \\
      "$([ $((i % 4)) != 0 ] || echo '#include "fourth.h"')" $i $i > unit$i.c
  done
  seq -f 'long unit%g(void);' ${unitCount} > unit.h; echo '#define FOURTH 4' > fourth.h
  { echo '#include <stdio.h>'; echo '#include "unit.h"'; echo 'int main(void) { long sum = 0;'
    seq -f 'sum += unit%g();' ${unitCount}; echo 'printf("%ld\\n", sum); return 0; }'; } > main.c`

if (cannotRun) t.plan(0, cannotRun)
else {
  const bench = await Bench.start(t)

  bench.test(t, 'a C project is configured, built, checked and installed', async (t, { both }) => {
    await both(`${makeProject}
      ./configure --prefix=/opt/p; cat config.h; ls`)
    const built = await both('cd project; make -j2 | sort; make check; sha256sum program libunits.a *.o')
    t.match(built, new RegExp(`\\n${((unitCount * (unitCount + 1)) / 2) * 8}\\n`), 'the program runs and adds up')
    await both(
      `cd project; make -s install DESTDIR="$PWD/../root"; cd ../root; find . -printf '%P %y %m\\n' | sort; opt/p/bin/program`,
    )
  })

  bench.test(t, 'make builds again what has changed, and nothing else', async (t, { both }) => {
    await both(`${makeProject}
      ./configure; make -j2 > /dev/null`)
    t.equal(await both('cd project; make; make -q; echo $?'), "make: Nothing to be done for 'all'.\n0")
    t.equal((await both('cd project; touch fourth.h; make')).match(/-c unit/g)?.length, unitCount / 4)
    t.equal(await both('cd project; make -q; echo $?'), '0')
    t.match(await both('cd project; touch main.o; make'), /^gcc -o program main\.o libunits\.a$/)
    await both('cd project; rm unit3.o; make; make -q; make -s clean; ls')
  })

  bench.test(t, 'a change right after a build is built', async (t, { both, mount }) => {
    // Not on a local file system: the times there may tick too coarsely for a change and its build.
    await mount(`
      printf 'out: in\\n\\tcp in out\\n' > Makefile
      for i in $(seq 40); do echo $i > in; make -s; cmp in out; make -q; done`)
    await both(`echo the same | tee in > out; printf 'out: in\\n\\tcp in out\\n' > Makefile`)
    const touch = 'touch -d @1000000000.000000002 out; touch -d'
    t.equal(await both(`${touch} @1000000000.000000003 in; make`), 'cp in out', 'a nanosecond newer is newer')
    t.match(await both(`${touch} @1000000000.000000001 in; make`), /is up to date/, 'a nanosecond older is older')
  })
}
