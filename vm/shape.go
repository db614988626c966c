package vm

import (
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Shape describes how a Go value looks in scripts: its properties in order,
// each with its getter. T is usually a pointer to a protobuf message.
type Shape[T any] struct {
	layout *Layout
	fields []Property[T]
}

// Property is one property of a shape.
type Property[T any] struct {
	name Name
	typ  Type // for declarations and documentation
	has  func(T) bool
	get  func(e Engine, v T) (Ref, error)
}

// NewShape makes a shape from its properties.
func NewShape[T any](fields ...Property[T]) *Shape[T] {
	names := make([]Name, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return &Shape[T]{layout: NewLayout(names...), fields: fields}
}

// Layout returns the shape's keys.
func (s *Shape[T]) Layout() *Layout { return s.layout }

// Fields describes the shape's properties in order.
func (s *Shape[T]) Fields() []Field {
	fields := make([]Field, len(s.fields))
	for i, p := range s.fields {
		fields[i] = Field{Name: p.name, Type: p.typ, Sometimes: p.has != nil}
	}
	return fields
}

// Of makes the script value of v.
func (s *Shape[T]) Of(e Engine, v T) Ref { return e.Record(s.layout, &source[T]{s, v}) }

// ListOf makes the script list of vs.
func (s *Shape[T]) ListOf(e Engine, vs []T) Ref {
	refs := make([]Ref, len(vs))
	sources := make([]source[T], len(vs))
	for i, v := range vs {
		sources[i] = source[T]{s, v}
		refs[i] = e.Record(s.layout, &sources[i])
	}
	return e.List(refs)
}

type source[T any] struct {
	shape *Shape[T]
	v     T
}

func (s *source[T]) Has(i int) bool {
	has := s.shape.fields[i].has
	return has == nil || has(s.v)
}

func (s *source[T]) Get(e Engine, i int) (Ref, error) { return s.shape.fields[i].get(e, s.v) }

// When limits a property to values for which has is true.
func (p Property[T]) When(has func(T) bool) Property[T] {
	p.has = has
	return p
}

// As sets the camel case of a property if it is not the derived one.
func (p Property[T]) As(camel string) Property[T] {
	p.name.Camel = camel
	return p
}

// Str is a string property.
func Str[T any](name string, get func(T) string) Property[T] {
	return Property[T]{name: N(name), typ: TypeString, get: func(e Engine, v T) (Ref, error) { return e.FromStr(get(v)), nil }}
}

// StrOpt is a string property that is absent when empty.
func StrOpt[T any](name string, get func(T) string) Property[T] {
	return Str(name, get).When(func(v T) bool { return get(v) != "" })
}

// Int is an integer property.
func Int[T any, I ~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint32](name string, get func(T) I) Property[T] {
	return Property[T]{name: N(name), typ: TypeNumber, get: func(e Engine, v T) (Ref, error) { return e.FromInt(int64(get(v))), nil }}
}

// Bool is a boolean property.
func Bool[T any](name string, get func(T) bool) Property[T] {
	return Property[T]{name: N(name), typ: TypeBoolean, get: func(e Engine, v T) (Ref, error) { return e.FromBool(get(v)), nil }}
}

// Time is a property in whole Unix seconds; absent when the time is not set.
func Time[T any](name string, get func(T) *timestamppb.Timestamp) Property[T] {
	return Property[T]{name: N(name), typ: TypeNumber,
		has: func(v T) bool { return get(v) != nil },
		get: func(e Engine, v T) (Ref, error) { return e.FromInt(get(v).GetSeconds()), nil }}
}

// JSON is a property whose Go value is JSON text; scripts get the decoded
// value.
func JSON[T any](name string, get func(T) string) Property[T] {
	return Property[T]{name: N(name), typ: typeObject, get: func(e Engine, v T) (Ref, error) {
		text := get(v)
		if text == "" {
			text = "{}"
		}
		return e.FromJSON(text)
	}}
}

// StrWrap is a string property in a protobuf wrapper, absent when nil.
func StrWrap[T any](name string, get func(T) *wrapperspb.StringValue) Property[T] {
	return Str(name, func(v T) string { return get(v).GetValue() }).When(func(v T) bool { return get(v) != nil })
}

// Sub is a property whose value has a shape; absent if the getter returns the zero
// value.
func Sub[T any, U comparable](name string, shape *Shape[U], get func(T) U) Property[T] {
	var zero U
	return Property[T]{name: N(name), typ: Type{Shape: shape},
		has: func(v T) bool { return get(v) != zero },
		get: func(e Engine, v T) (Ref, error) { return shape.Of(e, get(v)), nil }}
}

// List is a property that lists values of a shape.
func List[T, U any](name string, shape *Shape[U], get func(T) []U) Property[T] {
	return Property[T]{name: N(name), typ: ListType(Type{Shape: shape}), get: func(e Engine, v T) (Ref, error) { return shape.ListOf(e, get(v)), nil }}
}

// Made is a property whose value the getter makes in the engine. typ is its type, for
// documentation.
func Made[T any](name string, typ Type, get func(e Engine, v T) (Ref, error)) Property[T] {
	return Property[T]{name: N(name), typ: typ, get: get}
}

// Value is a property of any other type. The getter may return any value that
// Engine.FromAny accepts.
func Value[T any](name string, get func(T) any) Property[T] {
	return Property[T]{name: N(name), typ: TypeAny, get: func(e Engine, v T) (Ref, error) { return e.FromAny(get(v)) }}
}
