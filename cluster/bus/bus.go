// Package bus carries messages between the nodes of a cluster.
//
// It promises little: a message arrives at most once, and those of one sender arrive in
// the order in which they were published. Messages are lost when connections break and
// when a receiver is slow; package cluster numbers what must not be lost.
package bus

import "errors"

// Message is one that has arrived. Its data belongs to the receiver.
type Message struct {
	Subject string
	Data    []byte
}

// Bus is one node's connection to all others. Its methods may be called from any
// goroutine.
type Bus interface {
	// Subscribe returns the messages that other nodes publish to these subjects, in the
	// order in which they arrive. It is called once. The channel is closed by Close; when
	// it is full, messages are lost.
	Subscribe(subjects ...string) (<-chan Message, error)
	// Publish sends a message to all other nodes that have subscribed to its subject. The
	// data may be used again afterwards. An error means that the message was not sent.
	Publish(subject string, data []byte) error
	// Process is this node's name on the bus, which differs for each process.
	Process() string
	// Connected returns the processes that a connection of this one leads to directly, and
	// false if the bus cannot tell, as messages go through servers elsewhere.
	Connected() (processes map[string]bool, ok bool)
	// MaxPayload returns how many bytes a message may have at most.
	MaxPayload() int
	// Close ends the connection, after what was published has been sent.
	Close()
}

// ErrClosed is what Publish and Subscribe return after Close.
var ErrClosed = errors.New("the connection to the cluster is closed")
