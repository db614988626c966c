// Package wire has the messages that the nodes of a cluster exchange, generated from the
// protobuf files of this folder (go generate ./...).
package wire
