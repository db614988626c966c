package match

import (
	"fmt"
	"maps"
	"slices"

	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/proto"

	"kumi/store/fault"
)

// copyParams makes a deep copy of a creator's params, since the match outlives
// the call and may run in another script engine. Anything but plain data is an
// error that names its path.
func copyParams(params map[string]any) (map[string]any, error) {
	out := make(map[string]any, len(params))
	for k, v := range params {
		c, err := copyValue(v, k, 0)
		if err != nil {
			return nil, err
		}
		out[k] = c
	}
	return out, nil
}

// maxParamDepth also ends the copying of a value that contains itself.
const maxParamDepth = 100

func copyValue(v any, path string, depth int) (any, error) {
	if depth > maxParamDepth {
		return nil, cannotEncode(path, "is nested too deeply")
	}
	switch v := v.(type) {
	case nil, bool, string,
		int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64:
		return v, nil
	case []byte:
		return slices.Clone(v), nil
	case []string:
		return slices.Clone(v), nil
	case []int:
		return slices.Clone(v), nil
	case []int64:
		return slices.Clone(v), nil
	case []float64:
		return slices.Clone(v), nil
	case []bool:
		return slices.Clone(v), nil
	case map[string]string:
		return maps.Clone(v), nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			c, err := copyValue(e, path+"."+k, depth+1)
			if err != nil {
				return nil, err
			}
			out[k] = c
		}
		return out, nil
	case []any:
		return copyList(v, path, depth)
	case []map[string]any:
		return copyList(v, path, depth)
	case []runtime.Presence: // immutable
		return slices.Clone(v), nil
	case []runtime.MatchmakerEntry:
		return slices.Clone(v), nil
	case runtime.Presence, runtime.MatchmakerEntry:
		return v, nil
	case proto.Message:
		return proto.Clone(v), nil
	}
	return nil, cannotEncode(path, fmt.Sprintf("is a %T", v))
}

func copyList[T any](list []T, path string, depth int) ([]T, error) {
	out := make([]T, len(list))
	for i, e := range list {
		c, err := copyValue(e, fmt.Sprintf("%s[%d]", path, i), depth+1)
		if err != nil {
			return nil, err
		}
		if c != nil {
			out[i] = c.(T)
		}
	}
	return out, nil
}

func cannotEncode(path, why string) error {
	return knownAs(fault.InvalidArgument, fmt.Sprintf("%s: %s %s", runtime.ErrCannotEncodeParams, path, why), runtime.ErrCannotEncodeParams)
}
