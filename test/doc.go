// Package test holds the black-box tests: each starts a whole server and talks
// to it as clients do, over REST, gRPC and WebSocket. Tests of one package's
// own rules stand beside that package.
package test
