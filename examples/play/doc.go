// Package play holds an example for Node.js: two players play the sample match
// through the published Nakama client. play.mjs is the example; the package's
// test runs it.
package play
