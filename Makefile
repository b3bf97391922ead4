# The targets of hirune. `make` prints them. `make check` is what CI runs.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PREFIX ?= /usr/local
FUZZTIME ?= 10s
S ?= audit-log-purge
# The live scenario of `make test`: the quickest one that ends with a cause.
LIVE ?= database-stopped
# So many runs of the zoo at once, each in namespaces of its own: more than two cores do well with more.
JOBS ?= 3

TOOLS := $(CURDIR)/.cache/bin
LINT_VERSION := v2.15.0
LINT := $(TOOLS)/golangci-lint-$(LINT_VERSION)
BIN := bin/hirune
BUILD := CGO_ENABLED=0 go build -trimpath -ldflags='-s -w'
LAB := go run ./lab/cmd/lab
RUN := $(LAB) run --hirune $(BIN)
OUT := $(CURDIR)/.cache/lab
ROOT := $(filter 0,$(shell id -u))

.PHONY: help
help: ## print the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/hirune, a static binary
	@mkdir -p bin
	$(BUILD) -o $(BIN) ./cmd/hirune

.PHONY: demo
demo: build ## replay the bundled tape of a real outage: the verdict, and what to try next
	@$(BIN) demo || [ $$? -eq 1 ] # 1: it found something, as it should

.PHONY: check
check: lint test ## lint, then test: exactly what CI runs

.PHONY: lint
lint: $(LINT) ## run the pinned golangci-lint (see .golangci.yml for each linter's reason)
	$(LINT) run ./...

# Not in go.mod: its hundred modules are no business of who builds hirune.
$(LINT):
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) GOFLAGS= go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	mv $(TOOLS)/golangci-lint $@

.PHONY: test
test: setup vet build ## all tests; as root on the real stack too, brought up on loopback
	.ci/gotest -timeout 30m ./...
ifneq ($(ROOT),)
	@$(MAKE) test-live siege loop
	@echo $$(( $$(cat .cache/passed) + 3 )) >.cache/passed # the live scenario, the siege and the loop
	@printf '%d passed, 0 failed\n' $$(cat .cache/passed)
else
	@printf 'skipped, because this is not root: Debian packages, the daemons of the database tests, the live scenario $(LIVE), the siege, the loop\n'
endif

.PHONY: setup
setup: ## as root, install what the tests need from the system's packages
ifneq ($(ROOT),)
	.ci/setup
endif

.PHONY: vet
vet: ## go vet over everything
	go vet ./...

.PHONY: test-live
test-live: build ## one live scenario of the lab (LIVE=…), as root
	$(RUN) $(LIVE)

.PHONY: loop
loop: build ## the whole loop on case 0, as root: outage, verdict, plan, apply under a CPU cap, the job's next run, verify, undo
	$(LAB) loop --hirune $(BIN) --out $(OUT)/loop

.PHONY: siege
siege: build ## people use a site, attackers flood its log-ins, one gets in: what hirune attacks says of each, as root
	$(LAB) siege --hirune $(BIN) --out $(OUT)/siege

.PHONY: faults
faults: build ## disturb an apply in every way at random moments, as root: nothing is lost, nothing is done twice
	$(LAB) faults --hirune $(BIN) --out $(OUT)/faults

.PHONY: matrix
matrix: setup ## the tests that run on MariaDB 10.11, 11.8 and MySQL 9.7 (chroots of .ci/servers in HIRUNE_TEST_SERVERS), as root
	CI=true .ci/gotest -count=1 $$(grep -rlE '(mysqltest\.|^\s+)Each\(t, ' --include=*_test.go internal cmd | xargs -n1 dirname | sort -u | sed 's|^|./|')

.PHONY: test-mysql
test-mysql: ## the database tests on a throw-away MySQL 8 or later of yours: make test-mysql SOCKET=…
	HIRUNE_TEST_MYSQL_SOCKET=$(SOCKET) go test -count=1 -tags mysqllive -run LiveMySQL -v ./internal/edge/mysql

.PHONY: race
race: ## the packages that start goroutines, under the race detector
	go test -race $$(grep -rlE '^\s+go |\.Go\(func' --include=*.go internal cmd lab | xargs -n1 dirname | sort -u | sed 's|^|./|')

.PHONY: golden
golden: ## write the golden files anew; read the diff before you commit it
	@pkgs=$$(grep -rl 'flag.Bool("update"' --include=*_test.go internal cmd | xargs -n1 dirname | sort -u | sed 's|^|./|'); \
	 [ -n "$$pkgs" ] || { echo 'no package has golden files' >&2; exit 1; }; \
	 rc=0; go test $$pkgs -update || rc=$$?; git status --short -- internal cmd docs; exit $$rc

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (10s)
	@found=0; while IFS=: read -r file _ name; do \
	   found=1; name=$${name#func }; name=$${name%%(*}; \
	   echo "fuzz $$name in $$(dirname "$$file")"; \
	   go test -run='^$$' -fuzz="^$$name\$$" -fuzztime=$(FUZZTIME) "./$$(dirname "$$file")"; \
	 done < <(grep -rn '^func Fuzz' --include=*_test.go internal cmd lab); \
	 [ $$found = 1 ] || { echo 'no fuzz target was found' >&2; exit 1; }

.PHONY: lab
lab: build ## run one scenario on the real stack, as root: make lab S=search-flood
	$(RUN) $(S)

.PHONY: zoo
zoo: build ## every scenario three times on the real stack, as root (JOBS=3 at once: about 100 min)
	$(LAB) zoo --hirune $(BIN) --jobs $(JOBS)

.PHONY: freeze
freeze: build ## run a scenario and keep its redacted tape as a test case: make freeze S=search-flood
	$(RUN) --out $(OUT)/$(S) $(S)
	$(BIN) tape export --force --tape $(OUT)/$(S)/tape.hirune cmd/hirune/testdata/frozen/$(S).hirune

.PHONY: tape
tape: build ## record the bundled demo tape anew, as root
	$(RUN) --out $(OUT)/demo audit-log-purge
	$(BIN) tape export --force --tape $(OUT)/demo/tape.hirune cmd/hirune/demo/case0.hirune

.PHONY: bench
bench: build ## what the recorder and a diagnosis cost, beside atop and sadc
ifneq ($(ROOT),)
	bench/beside-lab.sh
else
	go run ./bench/recorder
endif
	go run ./bench/diagnosis

.PHONY: generate
generate: ## write docs/rules.md from the rules
	go generate ./...

.PHONY: install
install: build ## install the binary, man pages and completions below PREFIX (/usr/local)
	install -D -m 0755 $(BIN) $(DESTDIR)$(PREFIX)/bin/hirune
	install -d $(DESTDIR)$(PREFIX)/share/man/man1
	$(BIN) man --dir $(DESTDIR)$(PREFIX)/share/man/man1
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/site-functions $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	$(BIN) completion bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/hirune
	$(BIN) completion zsh > $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_hirune
	$(BIN) completion fish > $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/hirune.fish

.PHONY: clean
clean: ## take away what was built; the pinned tools stay
	rm -rf bin dist .cache/test.log .cache/passed .cache/failed
