package command

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"kumi/modules/source"
	"kumi/server/testkit"
	"kumi/store"
)

// testOptions are the arguments of kumi test.
type testOptions struct {
	folder      string
	filter      string
	timeout     time.Duration
	seed        uint64
	parallel    int
	junit       string // file
	tap         bool
	verbose     bool
	coverage    bool
	coverageDir string // folder for the reports of coverage; empty: none
	watch       bool
	settings    []string // of the server
}

// testFlags explains the flags; docs/testing.md does in more words.
const testFlags = `  --filter regexp   run only tests whose name (group > test) matches
  --timeout 30s     real time that one test may take
  --verbose         print every test, not only those that failed
  --watch           run again what a save concerns
  --coverage        print how much of the modules in scripts ran
  --coverage-dir d  the same, and write d/lcov.info and d/index.html
  --junit file      write a report in JUnit's format
  --tap             print in the format of the Test Anything Protocol
  --parallel n      test files at a time; as many as there are CPUs by default
  --seed n          of random numbers and ids, as a failure prints it
`

const defaultTestTimeout = 30 * time.Second

// testModules runs the tests of a modules folder. The exit code is 0 if all passed.
func testModules(ctx context.Context, args []string, s streams) int {
	o, err := parseTest(args)
	if err != nil {
		fmt.Fprintf(s.err, "test: %v\n", err)
		return exitUsage
	}
	cfg, _, ok := load(o.settings, s)
	if !ok {
		return exitUsage
	}
	if o.folder == "" {
		o.folder = cfg.Runtime.Path
	}
	if info, err := os.Stat(o.folder); err != nil || !info.IsDir() {
		return failed(s, noFolder(o.folder))
	}
	if _, err := regexp.Compile(o.filter); err != nil {
		fmt.Fprintf(s.err, "test: --filter: %v\n", err)
		return exitUsage
	}
	if code, ran := withGoModule(ctx, o.folder, "test", args, s); ran {
		return code
	}
	if o.watch {
		return watchTests(ctx, o, s)
	}
	files, err := source.Tests(o.folder)
	if err != nil {
		return failed(s, err)
	}
	if len(files) == 0 {
		fmt.Fprintf(s.out, "no tests in %s: there is no *.test.ts, *.test.js or *_test.lua\n", o.folder)
		return exitFailed
	}
	return runAndReport(ctx, o, files, s)
}

// runAndReport runs files and writes all reports.
func runAndReport(ctx context.Context, o testOptions, files []string, s streams) int {
	results, err := runTests(ctx, o, files, s)
	if err != nil {
		return failed(s, err)
	}
	if o.junit != "" {
		if err := writeJUnit(o.junit, results); err != nil {
			return failed(s, err)
		}
	}
	if !o.tap {
		printSummary(s.out, results, o)
	}
	if o.coverage {
		if err := reportCoverage(o, results, s); err != nil {
			return failed(s, err)
		}
	}
	for _, r := range results {
		if r.failed() {
			return exitFailed
		}
	}
	return exitOK
}

func parseTest(args []string) (o testOptions, err error) {
	o.timeout, o.parallel, o.seed = defaultTestTimeout, runtime.GOMAXPROCS(0), rand.Uint64N(1_000_000)
	for i := 0; i < len(args); i++ {
		name, value, given := strings.Cut(args[i], "=")
		name = strings.TrimPrefix(name, "-")
		take := func() (string, error) {
			if given {
				return value, nil
			}
			if i++; i == len(args) {
				return "", fmt.Errorf("%s needs a value", args[i-1])
			}
			return args[i], nil
		}
		switch {
		case name == "-filter":
			o.filter, err = take()
		case name == "-junit":
			o.junit, err = take()
		case name == "-coverage":
			o.coverage = true
		case name == "-coverage-dir":
			o.coverage = true
			o.coverageDir, err = take()
		case name == "-tap":
			o.tap = true
		case name == "-watch":
			o.watch = true
		case name == "-verbose":
			o.verbose = true
		case name == "-timeout":
			if value, err = take(); err == nil {
				if o.timeout, err = time.ParseDuration(value); err != nil {
					err = fmt.Errorf("--timeout: %w", err)
				}
			}
		case name == "-seed":
			if value, err = take(); err == nil {
				o.seed, err = strconv.ParseUint(value, 10, 64)
			}
		case name == "-parallel":
			if value, err = take(); err == nil {
				o.parallel, err = strconv.Atoi(value)
			}
		case strings.HasPrefix(args[i], "-"):
			if err = misspelled(name, testFlags); err != nil {
				return o, err
			}
			setting := settingAt(args[i:], given)
			o.settings = append(o.settings, setting...)
			i += len(setting) - 1
		case o.folder != "":
			err = fmt.Errorf("expected one folder, not also %s", args[i])
		default:
			o.folder = args[i]
		}
		if err != nil {
			return o, err
		}
	}
	if o.timeout < time.Second || o.parallel < 1 {
		return o, errors.New("--timeout must be at least 1s, and --parallel at least 1")
	}
	return o, nil
}

// settingAt returns the setting of the server that args begin with: a flag, and its value if
// that is the next argument and was not given with it.
func settingAt(args []string, given bool) []string {
	if !given && len(args) > 1 && !strings.HasPrefix(args[1], "-") {
		return args[:2]
	}
	return args[:1]
}

// runTests runs the files in parallel, each in a process of its own, and reports each when
// it has ended.
func runTests(ctx context.Context, o testOptions, files []string, s streams) ([]*fileResult, error) {
	scratch, err := os.MkdirTemp("", "kumi-test-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(scratch)
	database, err := emptyDatabase(ctx, scratch)
	if err != nil {
		return nil, err
	}
	results := make([]*fileResult, len(files))
	ended := make(chan *fileResult)
	free := make(chan struct{}, o.parallel)
	for i, file := range files {
		results[i] = &fileResult{file: file}
	}
	go func() {
		for _, r := range results {
			free <- struct{}{} // so they begin in the order of their names
			go func() {
				defer func() { <-free }()
				r.run(ctx, testkit.Job{
					Folder: o.folder, File: r.file, Args: o.settings, Env: s.env, Database: database,
					Filter: o.filter, Timeout: o.timeout, Seed: o.seed, Coverage: o.coverage,
				})
				ended <- r
			}()
		}
	}()
	report := printFile
	if o.tap {
		report = tapReporter(s.out)
	}
	for range files {
		report(s.out, <-ended, o)
	}
	if o.tap {
		points := 0
		for _, r := range results {
			points += len(r.tests)
			if r.err != nil {
				points++
			}
		}
		fmt.Fprintf(s.out, "1..%d\n", points)
	}
	return results, ctx.Err()
}

// emptyDatabase makes a database that test files copy: migrating one takes longer than most
// tests.
func emptyDatabase(ctx context.Context, folder string) (string, error) {
	db, err := store.Open(ctx, store.Options{DataDir: folder})
	if err != nil {
		return "", err
	}
	path := db.Path()
	return path, errors.Join(store.Migrate(ctx, db), db.Close())
}

// testFile is the process of one test file.
func testFile(_ context.Context, _ []string, s streams) int {
	job, err := testkit.ReadJob(os.Stdin)
	if err != nil {
		return failed(s, err)
	}
	out := os.Stdout
	os.Stdout = os.Stderr // for what else prints
	testkit.Run(job, out)
	return exitFailed // not reached
}
