# pushd. The two commands for a fresh machine: `make demo` and `make test`.

SHELL := /bin/bash
SWIFT ?= swift
PREFIX ?= /usr
DESTDIR ?=
# The Swift runtime goes into the binaries: they start in milliseconds and need no Swift on the target.
RELEASE_FLAGS = -c release --static-swift-stdlib $(PACKED)
# A megabyte of addresses to be set at each start, packed into some kilobytes: from glibc 2.36 on.
PACKED = $(shell printf '%s\n' 'glibc 2.36' "$$(getconf GNU_LIBC_VERSION 2>/dev/null)" | sort -V -C && \
	echo -Xlinker -z -Xlinker pack-relative-relocs)
# STRICT=1: warnings of our own code are errors.
TEST_FLAGS = $(if $(STRICT),-Xswiftc -warnings-as-errors)

.PHONY: all build test demo bench lint format deps test-deps install clean

all: build

build: deps
	PUSHD_STATIC=1 $(SWIFT) build $(RELEASE_FLAGS)

# What building needs, on Debian and Ubuntu.
deps:
	@scripts/install-packages libsqlite3-dev libcurl4-openssl-dev libssl-dev pkg-config

# What the tests use besides: a real registry and the tools that make images.
test-deps: deps
	@scripts/install-packages docker-registry skopeo buildah umoci tmux openssl apache2-utils tinyproxy python3-pip python3-cryptography \
		nginx-light podman docker.io gnupg pass golang-docker-credential-helpers
	@scripts/install-varlink
	@scripts/install-aws

test: test-deps lint
	$(SWIFT) build --build-tests $(TEST_FLAGS)
	# One at a time: hundreds of daemons and servers at once would measure the machine, not pushd.
	$(SWIFT) test --skip-build --no-parallel

lint: deps
	$(SWIFT) format lint --strict --recursive Sources Tests Package.swift

format:
	$(SWIFT) format format --in-place --recursive Sources Tests Package.swift

demo: build
	@scripts/install-packages docker-registry || echo "going on with the tests' own registry"
	@scripts/demo

bench: build test-deps
	scripts/bench

install: build
	install -Dm755 .build/release/pushd $(DESTDIR)$(PREFIX)/bin/pushd
	install -Dm755 .build/release/pushctl $(DESTDIR)$(PREFIX)/bin/pushctl
	install -Dm644 etc/pushd.json5 $(DESTDIR)/etc/pushd/pushd.json5
	install -Dm644 systemd/pushd.service $(DESTDIR)$(PREFIX)/lib/systemd/system/pushd.service
	install -Dm644 systemd/pushd.socket $(DESTDIR)$(PREFIX)/lib/systemd/system/pushd.socket
	install -Dm644 systemd/user/pushd.service $(DESTDIR)$(PREFIX)/lib/systemd/user/pushd.service
	install -Dm644 systemd/user/pushd.socket $(DESTDIR)$(PREFIX)/lib/systemd/user/pushd.socket
	install -Dm644 systemd/pushd.sysusers.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/pushd.conf
	install -Dm644 systemd/pushd.tmpfiles.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/pushd.conf
	install -Dm644 docs/pushctl.1 $(DESTDIR)$(PREFIX)/share/man/man1/pushctl.1
	install -Dm644 docs/pushd.8 $(DESTDIR)$(PREFIX)/share/man/man8/pushd.8
	install -Dm644 etc/completions/pushctl.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/pushctl
	install -Dm644 etc/completions/_pushctl $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_pushctl
	install -Dm644 etc/completions/pushctl.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/pushctl.fish

clean:
	rm -rf .build
