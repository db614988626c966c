// Package browser holds the tests that drive pages in a real Chromium. It is a
// module of its own, so that the server's go.mod does not name a browser driver;
// .ci/run runs it, and by hand it is
//
//	cd test/browser && go test .
//
// The tests skip where no Chromium is installed.
package browser
