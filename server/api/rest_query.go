package api

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/grpc-ecosystem/grpc-gateway/v2/utilities"
	"google.golang.org/protobuf/proto"
)

// bindQuery sets the fields that query parameters name, like grpc-gateway: in either
// spelling of a name, lists by repeated parameters, and fields of nested messages by
// dotted names. Unknown names are ignored, as are fields that the path or the body
// set. It fails with InvalidArgument.
func bindQuery(in proto.Message, query url.Values, given *utilities.DoubleArray) error {
	if err := runtime.PopulateQueryParameters(in, validText(query), given); err != nil {
		return invalid("%v", err)
	}
	return nil
}

// bindPath sets a field from a path parameter. It fails with InvalidArgument.
func bindPath(in proto.Message, field, value string) error {
	if err := runtime.PopulateFieldFromPath(in, field, strings.ToValidUTF8(value, "\ufffd")); err != nil {
		return invalid("%v", err)
	}
	return nil
}

// validText replaces invalid UTF-8 in query, because messages must not contain it.
func validText(query url.Values) url.Values {
	for name, values := range query {
		for i, v := range values {
			if !utf8.ValidString(v) {
				values[i] = strings.ToValidUTF8(v, "\ufffd")
			}
		}
		if !utf8.ValidString(name) {
			delete(query, name)
			query[strings.ToValidUTF8(name, "\ufffd")] = values
		}
	}
	return query
}
