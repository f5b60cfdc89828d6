# pushd. The two commands for a fresh machine: `make demo` and `make test`.

SHELL := /bin/bash
SWIFT ?= swift
PREFIX ?= /usr
DESTDIR ?=
# The programs that are installed.
BUILT ?= .build/release
# The Swift runtime goes into the binaries: they start in milliseconds and need no Swift on the target.
RELEASE_FLAGS = -c release --static-swift-stdlib $(PACKED)
# A megabyte of addresses to be set at each start, packed into some kilobytes: from glibc 2.36 on.
PACKED = $(shell printf '%s\n' 'glibc 2.36' "$$(getconf GNU_LIBC_VERSION 2>/dev/null)" | sort -V -C && \
	echo -Xlinker -z -Xlinker pack-relative-relocs)
# STRICT=1, for CI: warnings of our own code are errors; without debug information the build takes two minutes less.
TEST_FLAGS = $(if $(STRICT),-Xswiftc -warnings-as-errors -debug-info-format none)

.PHONY: all build test demo bench lint format deps test-deps install uninstall clean

all: build

build: deps
	PUSHD_STATIC=1 $(SWIFT) build $(RELEASE_FLAGS)

# What building needs, on Debian and Ubuntu. Like what follows: said before it is installed, and no service is left on.
deps:
	@scripts/install-packages libsqlite3-dev libcurl4-openssl-dev libssl-dev pkg-config

# What the tests use besides: a real registry and the tools that make images.
test-deps: deps
	@scripts/install-packages docker-registry skopeo buildah umoci tmux openssl apache2-utils tinyproxy python3-pip python3-cryptography \
		nginx-light podman zsh fish docker.io gnupg pass golang-docker-credential-helpers mandoc
	@scripts/install-varlink
	@scripts/install-aws

test: test-deps lint
	$(SWIFT) build --build-tests $(TEST_FLAGS)
	# One at a time: hundreds of daemons and servers at once would measure the machine, not pushd.
	# What failed stands once more at the end, after thousands of lines.
	@set -o pipefail; $(SWIFT) test --skip-build --no-parallel 2>&1 | tee .build/test.log || { \
		echo 'What failed (the whole output: .build/test.log):'; grep -aA 3 '✘ .* recorded an issue' .build/test.log; exit 1; }

lint: deps
	$(SWIFT) format lint --strict --recursive Sources Tests Package.swift
	scripts/lint-manuals

format:
	$(SWIFT) format format --in-place --recursive Sources Tests Package.swift

demo: build
	@scripts/install-packages docker-registry || echo "going on with the tests' own registry"
	@scripts/demo

bench: build test-deps
	scripts/bench

# Copies what `make build` has built; it builds nothing itself, so that root need not.
install uninstall:
	@BUILT="$(BUILT)" PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" scripts/install $@

clean:
	rm -rf .build
