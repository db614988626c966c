package command

import (
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"kumi/server/testkit"
)

// printFile reports a file for people: a line, and what failed.
func printFile(w io.Writer, r *fileResult, o testOptions) {
	word := "ok  "
	if r.failed() {
		word = "FAIL"
	}
	fmt.Fprintf(w, "%s  %s  %s  %s\n", word, r.file, counts(r), rounded(r.took))
	for _, t := range r.tests {
		switch {
		case t.Status == testkit.Failed:
			fmt.Fprintf(w, "\n  ✗ %s\n", t.Test)
			printFailure(w, t.Failure, t.Log)
		case o.verbose && t.Status == testkit.Passed:
			fmt.Fprintf(w, "  ✓ %s  %s\n", t.Test, rounded(seconds(t.Took)))
		case o.verbose:
			fmt.Fprintf(w, "  - %s  skipped\n", t.Test)
		}
	}
	if r.err != nil {
		fmt.Fprintln(w)
		printFailure(w, r.err, nil)
	}
}

func printFailure(w io.Writer, f *testkit.Failure, log []string) {
	fmt.Fprintln(w, indented(f.Message, "    "))
	switch {
	case f.File != "" && !strings.Contains(f.Message, f.Frame):
		fmt.Fprintf(w, "\n    %s:%d\n%s\n", f.File, f.Line, indented(f.Frame, "    "))
	case f.File == "" && strings.TrimSpace(strings.TrimPrefix(f.Stack, f.Message)) != "":
		fmt.Fprintln(w, indented(f.Stack, "    "))
	}
	if len(log) > 0 {
		fmt.Fprintf(w, "\n    log of the server:\n%s\n", indented(strings.Join(log, "\n"), "      "))
	}
	fmt.Fprintln(w)
}

func indented(text, by string) string {
	return by + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+by)
}

func counts(r *fileResult) string {
	var parts []string
	for _, status := range []testkit.Status{testkit.Passed, testkit.Failed, testkit.Skipped} {
		if n := r.count(status); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, status))
		}
	}
	if len(parts) == 0 {
		return "no tests"
	}
	return strings.Join(parts, ", ")
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func rounded(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

// printSummary prints the last line.
func printSummary(w io.Writer, results []*fileResult, o testOptions) {
	all := &fileResult{}
	broken := 0
	for _, r := range results {
		all.tests = append(all.tests, r.tests...)
		if r.err != nil {
			broken++
		}
	}
	text := counts(all)
	if broken > 0 {
		text += fmt.Sprintf(", %d of %d files could not be run", broken, len(results))
	}
	if all.count(testkit.Failed) > 0 || broken > 0 {
		text += fmt.Sprintf("; repeat with --seed %d", o.seed)
	}
	fmt.Fprintf(w, "\n%s\n", text)
}

// tapReporter returns a reporter in the format of the Test Anything Protocol.
func tapReporter(w io.Writer) func(io.Writer, *fileResult, testOptions) {
	n := 0
	fmt.Fprintln(w, "TAP version 13")
	point := func(ok bool, name, directive string, f *testkit.Failure) {
		n++
		word := "ok"
		if !ok {
			word = "not ok"
		}
		fmt.Fprintf(w, "%s %d - %s%s\n", word, n, strings.ReplaceAll(name, "#", "\\#"), directive)
		if f != nil {
			fmt.Fprintf(w, "  ---\n  message: %q\n  at: %q\n  ...\n", f.Message, fmt.Sprintf("%s:%d", f.File, f.Line))
		}
	}
	return func(_ io.Writer, r *fileResult, _ testOptions) {
		for _, t := range r.tests {
			directive := ""
			if t.Status == testkit.Skipped {
				directive = " # SKIP"
			}
			point(t.Status != testkit.Failed, r.file+" > "+t.Test, directive, t.Failure)
		}
		if r.err != nil {
			point(false, r.file, "", r.err)
		}
	}
}

// The elements of a JUnit report.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Time     float64     `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`
		Error    string      `xml:"system-err,omitempty"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Time    float64       `xml:"time,attr"`
		Failure *junitFailure `xml:"failure,omitempty"`
		Skipped *struct{}     `xml:"skipped,omitempty"`
		Output  string        `xml:"system-out,omitempty"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// writeJUnit writes the results as a file that CI systems read.
func writeJUnit(path string, results []*fileResult) error {
	var all junitSuites
	for _, r := range results {
		s := junitSuite{Name: r.file, Tests: len(r.tests), Failures: r.count(testkit.Failed), Skipped: r.count(testkit.Skipped), Time: r.took.Seconds()}
		for _, t := range r.tests {
			c := junitCase{Class: r.file, Name: t.Test, Time: t.Took, Output: strings.Join(t.Log, "\n")}
			if t.Failure != nil {
				var text strings.Builder
				printFailure(&text, t.Failure, nil)
				c.Failure = &junitFailure{Message: t.Failure.Message, Text: text.String()}
			}
			if t.Status == testkit.Skipped {
				c.Skipped = &struct{}{}
			}
			s.Cases = append(s.Cases, c)
		}
		if r.err != nil {
			s.Errors, s.Error = 1, r.err.Message
		}
		all.Suites = append(all.Suites, s)
	}
	text, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append([]byte(xml.Header), append(text, '\n')...), 0o644)
}
