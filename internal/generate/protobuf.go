package main

import (
	"context"
	"path/filepath"

	"github.com/bufbuild/protocompile"
	_ "github.com/heroiclabs/nakama-common/api" // the console's file imports its messages
	"google.golang.org/protobuf/cmd/protoc-gen-go/internal_gengo"
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

// consoleMessages writes the Go code of the console's messages, as protoc does with its
// plugin for Go. Files that are imported are those that this program has linked.
func consoleMessages(root string) (string, error) {
	const name = "console.proto"
	compiler := protocompile.Compiler{
		SourceInfoMode: protocompile.SourceInfoStandard,
		Resolver: protocompile.CompositeResolver{
			&protocompile.SourceResolver{ImportPaths: []string{filepath.Join(root, "core", "consolepb")}},
			protocompile.ResolverFunc(func(path string) (protocompile.SearchResult, error) {
				file, err := protoregistry.GlobalFiles.FindFileByPath(path)
				return protocompile.SearchResult{Desc: file}, err
			}),
		},
	}
	files, err := compiler.Compile(context.Background(), name)
	if err != nil {
		return "", err
	}
	request := &pluginpb.CodeGeneratorRequest{FileToGenerate: []string{name}}
	added := map[string]bool{}
	var add func(protoreflect.FileDescriptor)
	add = func(file protoreflect.FileDescriptor) { // imports first
		if added[file.Path()] {
			return
		}
		added[file.Path()] = true
		for i := range file.Imports().Len() {
			add(file.Imports().Get(i).FileDescriptor)
		}
		request.ProtoFile = append(request.ProtoFile, descriptor(file))
	}
	add(files[0])
	plugin, err := protogen.Options{}.New(request)
	if err != nil {
		return "", err
	}
	code, err := internal_gengo.GenerateFile(plugin, plugin.FilesByPath[name]).Content()
	return string(code), err
}

// descriptor returns the message that describes a file, with its comments.
func descriptor(file protoreflect.FileDescriptor) *descriptorpb.FileDescriptorProto {
	d := protodesc.ToFileDescriptorProto(file)
	if full, ok := file.(interface {
		FileDescriptorProto() *descriptorpb.FileDescriptorProto
	}); ok {
		d = full.FileDescriptorProto()
	}
	if d.Options == nil {
		d.Options = &descriptorpb.FileOptions{}
	}
	return proto.CloneOf(d)
}
