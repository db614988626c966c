// Package play contains an example for Node.js: two players play the sample
// match with the published Nakama client. play.mjs is the example; the
// package's test runs it.
package play
