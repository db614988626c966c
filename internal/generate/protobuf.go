package main

import (
	"context"
	"path"
	"path/filepath"
	"strings"

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

// protobufFolder is a folder of protobuf files, each of which gets a .pb.go file beside it.
type protobufFolder struct {
	path string // from the root of the repository
	// base is the folder that the names of the files count from, under which they import
	// each other and are registered in the program.
	base string
}

var protobufFolders = []protobufFolder{
	{path: "core/consolepb", base: "core/consolepb"}, // the name that Nakama's console has
	{path: "cluster/wire", base: "."},
}

func (f protobufFolder) files(root string) (files []generated, err error) {
	found, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(f.path), "*.proto"))
	for _, file := range found {
		name, err := filepath.Rel(filepath.Join(root, f.base), file)
		if err != nil {
			return nil, err
		}
		name = filepath.ToSlash(name)
		files = append(files, generated{
			path: path.Join(f.path, strings.TrimSuffix(filepath.Base(file), ".proto")+".pb.go"),
			make: func(root string) (string, error) { return messages(filepath.Join(root, f.base), name) },
		})
	}
	return files, err
}

// messages writes the Go code of a protobuf file, as protoc does with its plugin for Go.
// What it imports is beside it, or linked into this program.
func messages(base, name string) (string, error) {
	compiler := protocompile.Compiler{
		SourceInfoMode: protocompile.SourceInfoStandard,
		Resolver: protocompile.CompositeResolver{
			&protocompile.SourceResolver{ImportPaths: []string{base}},
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
