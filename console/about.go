package console

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	goruntime "runtime"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"kumi/core/consolepb"
	"kumi/modules/registry"
	"kumi/store/fault"
)

// Counts are what is open on a server.
type Counts struct{ Sessions, Presences, Matches, Parties int }

// Traffic are the calls of the API and the messages of sockets since the start.
type Traffic struct {
	Requests       uint64        // calls
	Took           time.Duration // of all of them
	Received, Sent uint64        // bytes of calls and messages
}

// rates remembers earlier traffic, from which averages are counted.
type rates struct {
	mu           sync.Mutex
	before, last sample
}

type sample struct {
	at time.Time
	Traffic
}

// rateWindow is the least time that averages are of. They are of the time since the
// call of the status before that, so nobody who looks costs nothing.
const rateWindow = 5 * time.Second

// since returns the sample to compare with, and keeps the one of now if it is time.
func (r *rates) since(now sample, started time.Time) sample {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last.at.IsZero() {
		r.before, r.last = sample{at: started}, now
	} else if now.at.Sub(r.last.at) >= rateWindow {
		r.before, r.last = r.last, now
	}
	return r.before
}

// floor cuts a number to two decimals.
func floor(f float64) float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return math.Floor(f*100) / 100
}

// status is what the nodes do now, and on average of late.
func (s *Server) status() (*consolepb.StatusList, error) {
	return &consolepb.StatusList{
		Timestamp: timestamppb.New(time.Now()),
		Nodes:     append([]*consolepb.StatusList_Status{s.Node()}, s.Others()...),
	}, nil
}

// Node is what this server does now, and on average of late.
func (s *Server) Node() *consolepb.StatusList_Status {
	now := sample{time.Now(), s.Traffic()}
	before := s.rates.since(now, s.Started)
	took, requests := now.at.Sub(before.at).Seconds(), float64(now.Requests-before.Requests)
	counts := s.Counts()
	return &consolepb.StatusList_Status{
		Name: s.Config.Name, State: s.State(), ServerVersion: s.Version, ModuleDigest: s.Set().Digest, Health: consolepb.StatusHealth_STATUS_HEALTH_OK, CreateTime: timestamppb.New(s.Started),
		SessionCount: int32(counts.Sessions), PresenceCount: int32(counts.Presences), MatchCount: int32(counts.Matches),
		PartyCount: int32(counts.Parties), GoroutineCount: int32(goruntime.NumGoroutine()),
		AvgLatencyMs: floor(float64((now.Took - before.Took).Microseconds()) / 1000 / requests),
		AvgRateSec:   floor(requests / took),
		AvgInputKbs:  floor(float64(now.Received-before.Received) / 1024 / took),
		AvgOutputKbs: floor(float64(now.Sent-before.Sent) / 1024 / took),
	}
}

// drainNode stops a node in order: its players go to other nodes, and then it ends.
func drainNode(ctx context.Context, v *visit, in *consolepb.NodeName) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, v.Drain(ctx, in.Name)
}

// configuration is the server's, without secrets.
func (s *Server) configuration() (*consolepb.Config, error) {
	text, err := json.Marshal(s.Config.Shown())
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "The configuration cannot be written.", err)
	}
	out := &consolepb.Config{Config: string(text), ServerVersion: s.Version}
	for _, w := range s.Config.Warnings() {
		out.Warnings = append(out.Warnings, &consolepb.Config_Warning{Field: w.Field, Message: w.Message})
	}
	return out, nil
}

// runtime is what modules are loaded and which functions they registered.
func (s *Server) runtime() (*consolepb.RuntimeInfo, error) {
	set := s.Set()
	out := &consolepb.RuntimeInfo{}
	for _, f := range set.RPC.All() {
		switch f.Runtime {
		case "lua":
			out.LuaRpcFunctions = append(out.LuaRpcFunctions, f.ID)
		case "go":
			out.GoRpcFunctions = append(out.GoRpcFunctions, f.ID)
		default:
			out.JsRpcFunctions = append(out.JsRpcFunctions, f.ID)
		}
	}
	for i := range set.Modules {
		m := moduleInfo(s.Config.Runtime.Path, &set.Modules[i])
		switch set.Modules[i].Runtime {
		case "lua":
			out.LuaModules = append(out.LuaModules, m)
		case "go":
			out.GoModules = append(out.GoModules, m)
		default:
			out.JsModules = append(out.JsModules, m)
		}
	}
	return out, nil
}

// moduleInfo describes a module: its file in a folder, or the name of one that is compiled
// in.
func moduleInfo(folder string, m *registry.Loaded) *consolepb.RuntimeInfo_ModuleInfo {
	info := &consolepb.RuntimeInfo_ModuleInfo{Path: m.Path}
	if m.Path == "" {
		info.Path = m.Name
	} else if stat, err := os.Stat(filepath.Join(folder, filepath.FromSlash(m.Path))); err == nil {
		info.ModTime = timestamppb.New(stat.ModTime())
	}
	return info
}
