# The front door. Each goal does its own set-up first; scripts/steps shows what it does, step by step.
.PHONY: help all root run test faults testsite bench bench-full bench-profile bench-compare image image-scan image-test image-test-all fuzz lint asan tsan coverage soak format check-all clean
.DEFAULT_GOAL := all

help: ## list these goals
	@echo 'GIMS: make GOAL, one of'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' Makefile

all: ## build every program, as released
	@scripts/steps all

root: ## make the Debian 13 build root only
	@scripts/steps root

run: ## start a whole site and let two clients talk (ONCE=1: then search its files, and stop)
	@scripts/steps run

test: ## run every test
	@scripts/steps test

faults: ## the long forms of the fault tests: 300 kills of each daemon (K), 1,000 power cuts (P), 65,000 signatures (S)
	@K=$(or $(K),300) P=$(or $(P),1000) S=$(or $(S),65000) scripts/steps faults

testsite: ## build gimsd-testsite, the server for conformance suites
	@scripts/steps testsite

bench: ## measure, and print the figures (TLS=0: plain; SITE=test or real; docs/performance.md)
	@scripts/steps bench

bench-full: ## the pilot's day, a reconnect storm, growth to 2.5 million messages (an hour; PART=replay, storm or growth)
	@scripts/steps bench-full

bench-profile: ## where the processor time goes, by layer (SCENARIO=sends)
	@scripts/steps bench-profile

bench-compare: ## measure two builds by turns: A=build/release B=other/build
	@scripts/steps bench-compare

image: ## make the appliance's image and its update bundle, signed (KEYS=FOLDER of release keys)
	@GIMS_KEYS=$(KEYS) scripts/steps image

image-scan: ## audit the image's root with OpenSCAP (ANSSI BP-028) and Lynis
	@scripts/steps image-scan

image-test: ## boot the image in emulated machines, and spoiled copies of it
	@scripts/steps image-test

image-test-all: ## the same, and whether two builds of the image are the same
	@scripts/steps image-test-all

fuzz: ## run each fuzz target for T seconds (60)
	@T=$(or $(T),60) scripts/steps fuzz

lint: ## check format, layers, scripts, and the code with clang-tidy
	@scripts/steps lint

asan: ## unit, contract and integration tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@scripts/steps asan

tsan: ## unit and contract tests, and those of integration with many threads, under ThreadSanitizer
	@scripts/steps tsan

coverage: ## which lines the tests run, and which errors no test makes
	@scripts/steps coverage

soak: ## a whole site at work for H hours (1): memory, descriptors and latency watched for drift
	@H=$(or $(H),1) scripts/steps soak

format: ## format the code
	@scripts/steps format

check-all: K = 100
check-all: H = 0.5
check-all: lint test asan tsan faults coverage fuzz soak ## all of the checks, one after the other, in some hours

clean: ## remove what was built, the site's data too; keeps the root and the caches
	@scripts/steps clean
