# journey_privacy: build with PGXS, test with test/run.
#
#   make demo                 the ten-minute story on a throwaway server
#   make test                 the whole suite, on throwaway servers
#   make test-versions        the same on PostgreSQL 15, 17 and 18, each in a
#                             Debian that has it (as root)
#   make, make install        build, install into the server of PG_CONFIG
#   make installcheck         the suite against what is installed there
#   make faults               a server killed, stopped, starved and filled for half
#                             an hour
#   make dist                 the zip for PGXN, of what is committed
#   make test-upgrade         pg_upgrade with data, 15 to 17 (as root)
#   make test-package         Debian's package: built, installed, tried, purged
#
# make demo and make test install what they miss and need no server, headers or
# compiler to begin with, so everything they use comes before PGXS.
# PG_VERSION=17 or PG_CONFIG=/path/to/pg_config choose another server.

EXTENSION  = journey_privacy
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" $(EXTENSION).control)

# The one list, in order of installation: SQL pieces and tests follow from it.
# A room may have no SQL, never no test.
ROOMS = keyring pseudonym subject sealed audit consent exchange collection policy guard erasure scrub \
	request opendsr ingest journey sequence session store answer retention discovery \
	doctor notice picture report

MODULE_big = $(EXTENSION)
OBJS       = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c)))
DATA_built = sql/$(EXTENSION)--$(EXTVERSION).sql
DATA       = $(filter-out $(DATA_built),$(wildcard sql/$(EXTENSION)--*.sql))
DOCS       = $(wildcard doc/*.md doc/*.yaml)
# Calls among our own files need not go through the table of symbols.
SHLIB_LINK = -lsodium -Wl,-Bsymbolic-functions

# The server's headers are clean under these; a nested PG_TRY is not (-Wshadow).
PG_CFLAGS = -Wall -Wextra -Wshadow -Wno-unused-parameter -Wno-sign-compare
ifeq ($(WERROR),1)
PG_CFLAGS += -Werror
endif

# The tests start a preloaded server of their own; TEST_SERVER= uses a running
# one.  --outputdir, because pg_regress looks in OUTPUTDIR/sql first and would
# otherwise run the install script's pieces as tests.
TEST_SERVER = --temp-instance=tmp_check --temp-config=test/$(EXTENSION).conf \
	--temp-config=test/keyring.conf --no-locale --encoding=UTF8
TEST_OPTS   = --outputdir=test --load-extension=pgcrypto \
	--load-extension=$(EXTENSION) $(TEST_SERVER)

# Rooms in their order, then security, then whatever else lies in test/sql.
REGRESS        = $(ROOMS) security $(filter-out $(ROOMS) security,$(SQL_TESTS))
SQL_TESTS      = $(patsubst test/sql/%.sql,%,$(sort $(wildcard test/sql/*.sql)))
REGRESS_OPTS   = $(TEST_OPTS)
REGRESS_PREP   = test/keyring.conf
ISOLATION      = $(patsubst test/specs/%.spec,%,$(sort $(wildcard test/specs/*.spec)))
ISOLATION_OPTS = $(TEST_OPTS)
TAP_TESTS      = 1
PROVE_TESTS   ?= test/t/*.pl

EXTRA_CLEAN = test/keyring.conf test/results test/log \
	test/regression.diffs test/regression.out

all:

.PHONY: test demo faults dist test-package test-upgrade test-versions test/keyring.conf
test demo faults:
	@bash test/run $@

test-package test-versions:
	@bash test/$(@:test-%=%)
test-upgrade:
	@bash test/upgrade/run

dist:
	git archive --format=zip --prefix=$(EXTENSION)-$(EXTVERSION)/ \
		--output=$(EXTENSION)-$(EXTVERSION).zip HEAD

ifdef PG_VERSION
PG_CONFIG = /usr/lib/postgresql/$(PG_VERSION)/bin/pg_config
else
PG_CONFIG = pg_config
endif
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)

ifneq ($(wildcard $(PGXS)),)
include $(PGXS)

# Not among other extensions' files: names like report.md are nobody's own.
docmoduledir := extension/$(EXTENSION)

# PGXS tracks neither of these on Debian.
$(OBJS): $(wildcard src/*.h)

$(DATA_built): sql/head.sql $(wildcard $(ROOMS:%=sql/%.sql)) Makefile
	cat $(filter %.sql,$^) > $@

# The keyring lies beside the data directory, so it needs this tree's path.
# pg_regress empties tmp_check first: each server begins without a keyring.
test/keyring.conf:
	echo "journey_privacy.keyring_file = '$(CURDIR)/tmp_check/keyring'" > $@
else
all install uninstall installcheck clean:
	@echo "no PGXS: '$(PG_CONFIG) --pgxs' leads to no server headers." >&2
	@echo "Install postgresql-server-dev-$(or $(PG_VERSION),15), or set PG_CONFIG (make test installs what it needs)." >&2
	@exit 1
endif
