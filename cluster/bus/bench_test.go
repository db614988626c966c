//go:build !no_cluster

package bus_test

import (
	"testing"

	"github.com/rs/zerolog"

	"kumi/cluster/bus"
)

// BenchmarkPublish sends between two embedded servers and waits until all has arrived.
func BenchmarkPublish(b *testing.B) {
	buses := [2]*bus.NATS{}
	for i, process := range []string{"a", "b"} {
		var err error
		if buses[i], err = bus.Open(b.Context(), bus.Options{Cluster: "bench", Process: process, Listen: "127.0.0.1:0", Log: zerolog.Nop()}); err != nil {
			b.Fatal(err)
		}
		defer buses[i].Close()
	}
	if err := buses[1].Join(buses[0].Address()); err != nil {
		b.Fatal(err)
	}
	messages, err := buses[1].Subscribe("x")
	if err != nil {
		b.Fatal(err)
	}
	data := make([]byte, 200)
	for heard := false; !heard; {
		_ = buses[0].Publish("x", data)
		select {
		case <-messages:
			heard = true
		default:
		}
	}
	b.ReportAllocs()
	const ahead = 1000
	sent, got := 0, 0
	for b.Loop() {
		if err := buses[0].Publish("x", data); err != nil {
			b.Fatal(err)
		}
		for sent++; sent-got > ahead; got++ {
			<-messages
		}
	}
}
