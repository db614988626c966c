package presence

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

var (
	jsonOut = protojson.MarshalOptions{UseProtoNames: true, UseEnumNumbers: true}
	jsonIn  = protojson.UnmarshalOptions{}
)

// Encode writes an envelope in format f. Envelopes that are sent often are
// written by hand, the rest by the protobuf library; the bytes are the same.
func Encode(env *rtapi.Envelope, f Format) ([]byte, error) {
	if f == Protobuf {
		if w, ok := hotProto(env); ok {
			return w, nil
		}
		return encodeProto(env)
	}
	if w, ok := hotJSON(env); ok {
		return w, nil
	}
	return encodeJSON(env)
}

func encodeProto(env *rtapi.Envelope) ([]byte, error) {
	b, err := proto.Marshal(env)
	if err != nil {
		return nil, fmt.Errorf("write envelope as protobuf: %w", err)
	}
	return b, nil
}

func encodeJSON(env *rtapi.Envelope) ([]byte, error) {
	b, err := jsonOut.Marshal(env)
	if err != nil {
		return nil, fmt.Errorf("write envelope as JSON: %w", err)
	}
	// protojson adds spaces at random; what is sent must not vary by build.
	var out bytes.Buffer
	out.Grow(len(b))
	if err := json.Compact(&out, b); err != nil {
		return nil, fmt.Errorf("write envelope as JSON: %w", err)
	}
	return out.Bytes(), nil
}

// Decode reads an envelope. Nothing of frame is kept. In JSON an unknown field
// is an error, in protobuf it is not, as the protocol has it.
func Decode(frame []byte, f Format) (*rtapi.Envelope, error) {
	if f == Protobuf {
		if env := readProto(frame); env != nil {
			return env, nil
		}
		return decodeProto(frame)
	}
	if env := readJSON(frame); env != nil {
		return env, nil
	}
	return decodeJSON(frame)
}

func decodeProto(frame []byte) (*rtapi.Envelope, error) {
	env := new(rtapi.Envelope)
	if err := proto.Unmarshal(frame, env); err != nil {
		return nil, fmt.Errorf("read protobuf envelope: %w", err)
	}
	return env, nil
}

func decodeJSON(frame []byte) (*rtapi.Envelope, error) {
	env := new(rtapi.Envelope)
	if err := jsonIn.Unmarshal(frame, env); err != nil {
		return nil, fmt.Errorf("read JSON envelope: %w", err)
	}
	return env, nil
}
