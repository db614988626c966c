package command

import (
	"bufio"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"kumi/modules/source"
)

// coveredFile is how much of a source file ran.
type coveredFile struct {
	Path  string // with the modules folder, with slashes
	Lines []coveredLine
	// Run and Count are numbers of lines with statements: of those that ran, and of all.
	Run, Count int
}

// coveredLine is a line of a source file.
type coveredLine struct {
	Number int
	Text   string
	Counts bool   // it has statements
	Ran    uint64 // times
}

// Percent returns how much ran. A file without statements ran.
func (f *coveredFile) Percent() float64 { return percent(f.Run, f.Count) }

func percent(part, all int) float64 {
	if all == 0 {
		return 100
	}
	return 100 * float64(part) / float64(all)
}

// reportCoverage prints the coverage of all test files and writes its reports.
func reportCoverage(o testOptions, results []*fileResult, s streams) error {
	files, err := covered(o.folder, results)
	if err != nil {
		return err
	}
	if !o.tap { // it would be no line of that format
		printCoverage(s.out, files)
	}
	if o.coverageDir == "" {
		return nil
	}
	if err := os.MkdirAll(o.coverageDir, 0o755); err != nil {
		return err
	}
	for name, write := range map[string]func(io.Writer, []*coveredFile) error{"lcov.info": writeLCOV, "index.html": writeCoveragePage} {
		if err := writeReport(filepath.Join(o.coverageDir, name), files, write); err != nil {
			return err
		}
	}
	return nil
}

func writeReport(path string, files []*coveredFile, write func(io.Writer, []*coveredFile) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(file)
	err = write(out, files)
	if e := out.Flush(); err == nil {
		err = e
	}
	if e := file.Close(); err == nil {
		err = e
	}
	return err
}

// covered adds up what the processes counted, of the files that are modules: neither tests
// nor installed packages.
func covered(folder string, results []*fileResult) (files []*coveredFile, err error) {
	total := map[string]map[int]uint64{}
	for _, r := range results {
		for path, lines := range r.lines {
			if source.Test(path) || !filepath.IsLocal(filepath.FromSlash(path)) || slices.ContainsFunc(strings.Split(path, "/"), source.Skipped) {
				continue
			}
			if total[path] == nil {
				total[path] = map[int]uint64{}
			}
			for line, ran := range lines {
				total[path][line] += ran
			}
		}
	}
	for path, lines := range total {
		text, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(path)))
		if os.IsNotExist(err) { // what the bundler adds is in none
			continue
		}
		if err != nil {
			return nil, err
		}
		files = append(files, coveredSource(filepath.ToSlash(filepath.Join(folder, path)), string(text), lines))
	}
	slices.SortFunc(files, func(a, b *coveredFile) int { return strings.Compare(a.Path, b.Path) })
	return files, nil
}

// coveredSource joins a file's text and counts. Lines of only brackets have no statement:
// they are where a bundle's additions seem to be.
func coveredSource(path, text string, lines map[int]uint64) *coveredFile {
	f := &coveredFile{Path: path}
	for i, line := range strings.Split(strings.TrimRight(text, "\r\n"), "\n") {
		ran, counts := lines[i+1]
		counts = counts && strings.Trim(line, " \t\r{}()[];,") != ""
		f.Lines = append(f.Lines, coveredLine{Number: i + 1, Text: strings.TrimRight(line, "\r"), Counts: counts, Ran: ran})
		if counts {
			f.Count++
			if ran > 0 {
				f.Run++
			}
		}
	}
	return f
}

// printCoverage prints a table.
func printCoverage(w io.Writer, files []*coveredFile) {
	all := &coveredFile{Path: "all"}
	width := len("coverage of lines")
	for _, f := range files {
		all.Run, all.Count = all.Run+f.Run, all.Count+f.Count
		width = max(width, len(f.Path))
	}
	fmt.Fprintf(w, "\n%-*s  %9s  %6s  not covered\n", width, "coverage of lines", "", "%")
	for _, f := range append(files, all) {
		line := fmt.Sprintf("%-*s  %9s  %6.1f  %s", width, f.Path, fmt.Sprintf("%d/%d", f.Run, f.Count), f.Percent(), f.missed())
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
}

// missed lists the lines that did not run: "3, 7-12". Lines without statements in between
// do not end a range.
func (f *coveredFile) missed() string {
	var ranges []string
	first, last := 0, 0
	end := func() {
		switch {
		case first == 0:
		case first == last:
			ranges = append(ranges, fmt.Sprint(first))
		default:
			ranges = append(ranges, fmt.Sprintf("%d-%d", first, last))
		}
		first = 0
	}
	for _, l := range f.Lines {
		switch {
		case !l.Counts:
		case l.Ran > 0:
			end()
		default:
			if first == 0 {
				first = l.Number
			}
			last = l.Number
		}
	}
	end()
	return strings.Join(ranges, ", ")
}

// writeLCOV writes the tracefile format of lcov, which editors and CI systems read.
func writeLCOV(w io.Writer, files []*coveredFile) error {
	for _, f := range files {
		fmt.Fprintf(w, "TN:\nSF:%s\n", f.Path)
		for _, l := range f.Lines {
			if l.Counts {
				fmt.Fprintf(w, "DA:%d,%d\n", l.Number, l.Ran)
			}
		}
		if _, err := fmt.Fprintf(w, "LF:%d\nLH:%d\nend_of_record\n", f.Count, f.Run); err != nil {
			return err
		}
	}
	return nil
}

//go:embed test_coverage.html
var coverageHTML string

var coveragePage = template.Must(template.New("coverage").Parse(coverageHTML))

// writeCoveragePage writes a page with a table and the text of all files.
func writeCoveragePage(w io.Writer, files []*coveredFile) error {
	return coveragePage.Execute(w, files)
}
