# ipsec: one static binary. The two commands to know are `make demo` and `make test`.

PREFIX  ?= /usr
DESTDIR ?=
FUZZTIME ?= 10s
SEEDS    ?= 10000

GO ?= go
.PHONY: all build deps demo test check unit interop rules long sim fuzz bench bench-quick bench-stages install uninstall clean

all: build

build:
	CGO_ENABLED=0 $(GO) build -buildvcs=auto -trimpath -ldflags '-s -w' -o bin/ipsec ./cmd/ipsec

# What tests and demo need of the system, by apt-get where something is missing.
deps:
	@.ci/deps

demo: deps build
	@demo/run

test: deps check unit

check:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo 'gofmt would change:'; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	@.ci/check

# All but the foreign peers, which are slow, and would have to be installed.
unit:
	$(GO) test -race $$($(GO) list ./... | grep -v '/golden/interop$$')

# Pluto with strongSwan and Libreswan, which are installed where they are missing:
# doc/interop.md says what comes of it, and changes with UPDATE=-update.
interop:
	@.ci/peers >/dev/null
	@.ci/guest >/dev/null
	REQUIRE_ALL=1 $(GO) test -count=1 -timeout 20m ./golden/interop $(UPDATE)

# The rules for reviewers in doc/rules, held by OPA against plans of this program. They are a module of
# their own, so that this one needs nothing of OPA.
rules:
	cd doc/rules && $(GO) vet ./... && $(GO) test ./...

# What takes hours: long simulations, fuzzing, the laws again, benchmarks.
long:
	@.ci/long

# Whole Plutos on a bad network: SEEDS=100000 for more of them, SEED=17 go test … for one.
sim:
	SEEDS=$(SEEDS) $(GO) test -timeout 1h -run TestSeeds ./pluto/simulation

# A short run of every fuzz target; FUZZTIME=1h for a long one.
fuzz:
	@.ci/fuzz $(FUZZTIME)

# The data plane beside wireguard-go and strongSwan: the whole table into
# doc/performance.md, or a short one here. The last has the stages one by one.
bench:
	@.ci/bench full

bench-quick:
	@.ci/bench quick

bench-stages:
	$(GO) test -run '^$$' -bench . -benchmem ./...

install: build
	packaging/install '$(DESTDIR)' '$(PREFIX)'

uninstall:
	packaging/uninstall '$(DESTDIR)' '$(PREFIX)'

clean:
	rm -rf bin
