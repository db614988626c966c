package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/emptypb"

	"kumi/core/consolepb"
	"kumi/store/fault"
)

// requestFolder is where the requests are kept that operators saved, in the modules
// folder, so that they are part of the game's repository. The folder is hidden, so a
// change there reloads no modules.
const requestFolder = ".kumi/requests"

// Limits of saved requests: they are read into memory and sent all at once.
const (
	maxRequests      = 1000
	maxRequestFile   = 256 << 10 // bytes
	maxRequestsTotal = 8 << 20   // bytes of all of them
)

// requestName is what saved requests may be called. They are files, on any system.
var requestName = regexp.MustCompile(`^[\pL\pN](?:[\pL\pN ._-]{0,98}[\pL\pN_-])?$`)

// requestFile is a saved request as it is written.
type requestFile struct {
	Method string            `json:"method,omitempty"`
	Hook   string            `json:"hook,omitempty"` // of the method: before or after
	RPC    string            `json:"rpc,omitempty"`
	UserID string            `json:"user_id,omitempty"`
	Vars   map[string]string `json:"session_vars,omitempty"`
	// Body and Output are an object or a list as it is, and any other text as a string.
	Body   json.RawMessage `json:"body,omitempty"`
	Output json.RawMessage `json:"output,omitempty"` // of an after hook: the answer that it gets
}

// requests opens the folder of saved requests. fs.ErrNotExist if there is none.
func (s *Server) requests() (*os.Root, error) {
	return os.OpenRoot(filepath.Join(s.Config.Runtime.Path, filepath.FromSlash(requestFolder)))
}

// listRequests lists the saved requests by name. Files that are none are left out, as are
// those beyond the limits.
func (s *Server) listRequests() (*consolepb.SavedRequestList, error) {
	out := &consolepb.SavedRequestList{}
	root, err := s.requests()
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	} else if err != nil {
		return nil, requestFailed("read", err)
	}
	defer root.Close()
	files, err := fs.Glob(root.FS(), "*.json")
	if err != nil {
		return nil, requestFailed("read", err)
	}
	room := int64(maxRequestsTotal)
	for _, file := range files[:min(len(files), maxRequests)] {
		size := fileSize(root, file)
		if size > maxRequestFile || size > room {
			continue
		}
		text, err := root.ReadFile(file)
		var f requestFile
		if err != nil || json.Unmarshal(text, &f) != nil {
			continue
		}
		room -= size
		out.Requests = append(out.Requests, f.message(strings.TrimSuffix(file, ".json")))
	}
	return out, nil
}

// fileSize is 0 for a file that is not there.
func fileSize(root *os.Root, file string) int64 {
	stat, err := root.Stat(file)
	if err != nil {
		return 0
	}
	return stat.Size()
}

// saveRequest writes a request, over the one of the same name. InvalidArgument for a name
// that a file cannot have and for a request that is too large, ResourceExhausted if there
// are too many.
func saveRequest(_ context.Context, v *visit, in *consolepb.SavedRequest) (*emptypb.Empty, error) {
	if err := checkRequestName(in.Name); err != nil {
		return nil, err
	}
	if in.Method == "" {
		return nil, fault.New(fault.InvalidArgument, "method is missing: the name of a call, or the id of a function.")
	}
	if err := checkHook(in.Hook, in.Rpc); err != nil {
		return nil, err
	}
	text, err := requestText(in)
	if err != nil {
		return nil, err
	}
	if len(text) > maxRequestFile {
		return nil, fault.Newf(fault.InvalidArgument, "The request has %d bytes; a saved one has at most %d.", len(text), maxRequestFile)
	}
	if err := v.writeRequest(in.Name+".json", text); err != nil {
		return nil, err
	}
	in.Body, in.Output = "", "" // not for the audit log
	return &emptypb.Empty{}, nil
}

func (s *Server) writeRequest(file string, text []byte) error {
	s.saving.Lock()
	defer s.saving.Unlock()
	if err := os.MkdirAll(filepath.Join(s.Config.Runtime.Path, filepath.FromSlash(requestFolder)), 0o755); err != nil {
		return requestFailed("make", err)
	}
	root, err := s.requests()
	if err != nil {
		return requestFailed("read", err)
	}
	defer root.Close()
	files, err := fs.Glob(root.FS(), "*.json")
	if err != nil {
		return requestFailed("read", err)
	}
	if len(files) >= maxRequests && !slices.Contains(files, file) {
		return fault.Newf(fault.ResourceExhausted, "%d requests are saved; there can be no more.", maxRequests)
	}
	total := int64(len(text))
	for _, other := range files {
		if other != file {
			total += fileSize(root, other)
		}
	}
	if total > maxRequestsTotal {
		return fault.Newf(fault.ResourceExhausted, "The saved requests would have %d bytes in all; they have at most %d.", total, maxRequestsTotal)
	}
	temporary := file + ".new" // so that nobody reads half a file
	if err := root.WriteFile(temporary, text, 0o644); err != nil {
		return requestFailed("write", err)
	}
	if err := root.Rename(temporary, file); err != nil {
		return requestFailed("write", err)
	}
	return nil
}

// deleteRequest deletes a saved request. NotFound if there is none of the name.
func deleteRequest(_ context.Context, v *visit, in *consolepb.SavedRequest) (*emptypb.Empty, error) {
	if err := checkRequestName(in.Name); err != nil {
		return nil, err
	}
	root, err := v.requests()
	if err == nil {
		defer root.Close()
		err = root.Remove(in.Name + ".json")
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Newf(fault.NotFound, "No request %q is saved.", in.Name)
	} else if err != nil {
		return nil, requestFailed("delete", err)
	}
	return &emptypb.Empty{}, nil
}

func checkRequestName(name string) error {
	if len(name) > 200 || !requestName.MatchString(name) {
		return fault.Newf(fault.InvalidArgument, "%q cannot be the name of a request: it takes 1 to 100 letters, digits, spaces and . _ -, and begins with a letter or digit.", name)
	}
	return nil
}

func requestFailed(what string, err error) error {
	return fault.Wrap(fault.Internal, fmt.Sprintf("The folder of saved requests, %s in the modules folder: cannot %s it.", requestFolder, what), err)
}

// requestText is the file of a request: indented, for those who compare versions of it.
func requestText(in *consolepb.SavedRequest) ([]byte, error) {
	f := requestFile{Hook: in.Hook, UserID: in.UserId, Vars: in.SessionVars, Body: fileText(in.Body), Output: fileText(in.Output)}
	if in.Rpc {
		f.RPC = in.Method
	} else {
		f.Method = in.Method
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(f); err != nil {
		return nil, requestFailed("write", err)
	}
	return out.Bytes(), nil
}

// fileText is a text as it is in a file, textOf the text of what is in one.
func fileText(text string) json.RawMessage {
	trimmed := []byte(strings.TrimSpace(text))
	switch {
	case len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') && json.Valid(trimmed):
		return trimmed
	case text == "":
		return nil
	}
	quoted, _ := json.Marshal(text)
	return quoted
}

func textOf(in json.RawMessage) string {
	var text string
	if json.Unmarshal(in, &text) == nil {
		return text
	}
	return string(in)
}

func (f *requestFile) message(name string) *consolepb.SavedRequest {
	out := &consolepb.SavedRequest{
		Name: name, Method: f.Method, Hook: f.Hook, UserId: f.UserID, SessionVars: f.Vars, Body: textOf(f.Body), Output: textOf(f.Output),
	}
	if f.RPC != "" {
		out.Method, out.Rpc = f.RPC, true
	}
	return out
}
