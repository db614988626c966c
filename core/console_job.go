package core

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"kumi/core/consolepb"
	"kumi/store/fault"
)

// ListJobs lists the jobs that modules registered here, and all others that the database
// knows, with what they did on all servers, by name.
func (k *Console) ListJobs(ctx context.Context) (*consolepb.JobList, error) {
	jobs, err := k.jobList(ctx)
	if err != nil {
		return nil, failed("list jobs", err)
	}
	out := &consolepb.JobList{}
	at := func(t time.Time) *timestamppb.Timestamp {
		if t.IsZero() {
			return nil
		}
		return timestamppb.New(t)
	}
	for _, s := range jobs {
		out.Jobs = append(out.Jobs, &consolepb.Job{
			Name: s.name, Registered: s.registered, Schedule: s.schedule, NextTime: at(s.next), Queued: s.queued, Retrying: s.retrying,
			Runs: s.runs, Failures: s.failures, LastTime: at(s.start), LastTookMs: s.took.Milliseconds(), LastNode: s.node,
			FailedTime: at(s.failed), ErrorMessage: s.failure,
		})
	}
	return out, nil
}

// RunJob has a job run as soon as possible, with a payload, beside its schedule. Errors as
// in JobEnqueue; NotFound for a job that neither this server nor the database knows.
func (k *Console) RunJob(ctx context.Context, in *consolepb.RunJobRequest) (*consolepb.RunJobResponse, error) {
	jobs, err := k.jobList(ctx)
	if err != nil {
		return nil, failed("list jobs", err)
	}
	for _, s := range jobs {
		if s.name == in.Name {
			id, err := k.Module().JobEnqueue(ctx, in.Name, in.Payload, 0)
			return &consolepb.RunJobResponse{Id: id}, err
		}
	}
	return nil, fault.Newf(fault.NotFound, "There is no job %q.", in.Name)
}
