package console

import (
	"cmp"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/structpb"

	"kumi/internal/json"
	"kumi/store/fault"
)

// maxTemplateDepth is how deep messages nest in a template. Those of the client API that
// contain themselves end there.
const maxTemplateDepth = 4

// bodyTemplate returns a request with all of its fields as JSON, to be filled in: lists
// and maps have one entry, and of fields that exclude each other only the one that is set or
// else the first is there.
func bodyTemplate(request proto.Message) (string, error) {
	fillTemplate(request.ProtoReflect(), 1)
	text, err := toJSON.Marshal(request)
	if err != nil {
		return "", fault.Wrap(fault.Internal, "The template of a request cannot be written.", err)
	}
	return string(json.Compact(text, 0)), nil
}

// fillTemplate sets the fields that are absent unless they are set.
func fillTemplate(m protoreflect.Message, depth int) {
	switch m.Interface().(type) {
	case *structpb.Struct, *structpb.Value, *structpb.ListValue:
		return // any JSON
	}
	if depth > maxTemplateDepth {
		return
	}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if one := f.ContainingOneof(); one != nil && f != cmp.Or(m.WhichOneof(one), one.Fields().Get(0)) {
			continue
		}
		switch {
		case f.IsMap():
			entries := m.Mutable(f).Map()
			entries.Set(f.MapKey().Default().MapKey(), entries.NewValue())
		case f.IsList():
			list := m.Mutable(f).List()
			element := list.NewElement()
			if f.Message() != nil {
				fillTemplate(element.Message(), depth+1)
			}
			list.Append(element)
		case f.Message() != nil:
			fillTemplate(m.Mutable(f).Message(), depth+1)
		}
	}
}
