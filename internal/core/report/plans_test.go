package report

import (
	"encoding/json"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
	"hirune/internal/core/verify"
)

var auditOn = remedy.On{Schema: "wordpress", Table: auditTable}

var auditDoomed = remedy.Doomed{Column: "created", Literal: "1787385605", Cutoff: at(5).Add(-90 * 24 * time.Hour)}

func auditBecause() remedy.Because { return remedy.BecauseOf(purgeVerdict().Causes[0]) }

// purgePlan is the plan for case 0. Its sentences are of the closed set of
// claims where the remedies' own are not needed for the look.
func purgePlan() remedy.Plan {
	say := diagnose.Say
	chunks := remedy.DeleteInChunks{On: auditOn, Key: "id", FromKey: 1, ToKey: 600_000, Doomed: auditDoomed, Isolation: "READ COMMITTED",
		Archive: "/var/lib/hirune/archive/wp_aiowps_audit_log.zst", Chunk: 1000, Target: 100 * time.Millisecond, InnoDB: true}
	low := remedy.Estimate{Takes: 83 * time.Second, TakesCapped: 6 * time.Minute, Rows: 480_000, DiskBytes: 210 << 20, Stall: time.Second, Risk: remedy.RiskLow,
		Locks: say("proof-lock-holder", "session", diagnose.Count(1), "user", "hirune", "table", auditTable, "rows", diagnose.Count(1000))}
	return remedy.Plan{
		Remedy: "purge", Because: auditBecause(), At: at(300),
		Steps: []remedy.Planned{
			{ID: "1", Step: remedy.ExplainStatement{On: auditOn, Doomed: auditDoomed, When: "before"}, Estimate: remedy.Estimate{Risk: remedy.RiskNone}},
			{ID: "2", Step: chunks, Estimate: low, Undo: say("proof-cpu-idle", "busy", diagnose.Share01(0.1))},
			{ID: "3", Step: remedy.RebuildTable{On: auditOn, Stall: time.Second}, Estimate: remedy.Estimate{Takes: -1, Rows: -1, DiskBytes: 400 << 20, FreesBytes: 1200 << 20, Stall: 2 * time.Second, Risk: remedy.RiskMedium}},
			{ID: "4", Step: remedy.DropTable{On: remedy.On{Schema: "wordpress", Table: "wp_old"}, Stall: time.Second}, Estimate: remedy.Estimate{Risk: remedy.RiskHigh, Irreversible: true}},
		},
		Says: []diagnose.Sentence{say("proof-table-size", "table", auditTable, "bytes", diagnose.Bytes(2<<30), "rows", diagnose.Count(600_000))},
		Others: []remedy.Other{
			{ID: remedy.Swap, Possible: true, Estimate: remedy.Estimate{Takes: 25 * time.Second}, Why: say("proof-table-size", "table", auditTable, "bytes", diagnose.Bytes(2<<30), "rows", diagnose.Count(600_000))},
			{ID: remedy.Truncate},
		},
		Advice: []remedy.Advice{{ID: "x", Say: say("proof-cpu-idle", "busy", diagnose.Share01(0.1)), File: "/srv/www/wp-config.php", Lines: []string{"define( 'DISABLE_WP_CRON', true );"}}},
		Settle: remedy.Settle{Hook: "aiowps_clean_old_events", Due: at(86405)},
	}
}

func refusedPlan() remedy.Plan {
	say := diagnose.Say
	return remedy.Plan{Remedy: "close-xmlrpc", Because: remedy.Because{Rule: "xmlrpc-login-flood"}, At: at(300),
		Refused: []diagnose.Sentence{say("proof-refused", "service", "mariadb"), say("instead-install")}}
}

func webPlan() remedy.Plan {
	return remedy.Plan{Remedy: "close-xmlrpc", Because: remedy.Because{Rule: "xmlrpc-login-flood"}, At: at(300), Settle: remedy.Settle{Least: time.Hour},
		Steps: []remedy.Planned{{ID: "1", Estimate: remedy.Estimate{Takes: 5 * time.Second, Risk: remedy.RiskLow}, Step: remedy.WriteInclude{Server: "apache", Path: "/etc/apache2/conf-enabled/hirune.conf",
			Content: "# written by hirune\n<Files \"xmlrpc.php\">\n  Require all denied\n</Files>\n", Test: []string{"apachectl", "-t"}, Reload: []string{"apachectl", "graceful"}}}}}
}

func raw2(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

func runs() []RunView {
	p := purgePlan()
	p.Steps = append(p.Steps[:2:2],
		remedy.Planned{ID: "3", Step: remedy.ExplainStatement{On: auditOn, Doomed: auditDoomed, When: "after-purge"}},
		remedy.Planned{ID: "4", Step: remedy.AddIndex{On: auditOn, Index: "hirune_created", Columns: []string{"created"}}},
		remedy.Planned{ID: "5", Step: remedy.ExplainStatement{On: auditOn, Doomed: auditDoomed, When: "after-index", Want: "range"}})
	done := RunView{ID: 2, Plan: p, Planned: at(400), Last: at(520), State: RunDone, Steps: []StepView{
		{ID: "1", Kind: "explain-statement", Event: "done", At: at(401), Since: at(400), State: raw2(Explained{Access: "ALL", Rows: 593217})},
		{ID: "2", Kind: "delete-in-chunks", Event: "done", At: at(500), Since: at(402), State: raw2(map[string]any{"next": 600001, "deleted": 480112})},
		{ID: "3", Kind: "explain-statement", Event: "done", At: at(501), Since: at(500), State: raw2(Explained{Access: "ALL", Rows: 119888})},
		{ID: "4", Kind: "add-index", Event: "found-done", At: at(510), Since: at(501)},
		{ID: "5", Kind: "explain-statement", Event: "done", At: at(520), Since: at(520), State: raw2(Explained{Access: "range", Key: "hirune_created", PossibleKeys: "hirune_created", Rows: 574, Achieved: true})},
	}, Outcome: cured()}
	failed := RunView{ID: 3, Plan: webPlan(), Planned: at(600), Last: at(604), State: RunFailed, Steps: []StepView{
		{ID: "1", Kind: "write-include", Event: "failed", At: at(604), Since: at(600), Err: "test the configuration: exit status 1: AH00526: Syntax error", State: json.RawMessage(`{broken`)}}}
	return []RunView{done, failed}
}

// ended are runs of which one was done, one taken back but for a step, and one failed.
func ended() []RunView {
	rs := runs()
	back := RunView{ID: 5, Plan: purgePlan(), Planned: at(700), Last: at(760), State: RunUndone, Steps: []StepView{
		{ID: "2", Kind: "delete-in-chunks", Event: "undone", At: at(760), Since: at(700), State: raw2(map[string]any{"next": 600001, "deleted": 480112})},
		{ID: "4", Kind: "drop-table", Event: "undo-left", At: at(750), Since: at(740), Err: "cannot be undone"}}}
	return []RunView{rs[0], back, rs[1]}
}

func cured() *verify.Outcome {
	return &verify.Outcome{
		Status: verify.Cured, At: at(87000), Window: diagnose.Span{From: at(520), To: at(87000)},
		Job:    &verify.JobRun{Hook: "aiowps_clean_old_events", Due: at(86405), Ran: true, How: "rescheduled"},
		Before: purgeVerdict().Visitors, After: diagnose.Visitors{How: "probe", QuietMs: 21, OutageMs: -1, WorstMs: 80},
		Says: []diagnose.Sentence{diagnose.Say("proof-cpu-idle", "busy", diagnose.Share01(0.05))},
	}
}

func outcomes() []RunView {
	rs := runs()
	rs[1].Outcome = &verify.Outcome{Status: verify.Persists, At: at(9000), Window: diagnose.Span{From: at(604), To: at(9000)}, Before: purgeVerdict().Visitors,
		After: diagnose.Visitors{How: "probe", QuietMs: 21, OutageMs: 12000, FailShare: 0.2}}
	waiting := rs[0]
	waiting.ID = 4
	waiting.Outcome = &verify.Outcome{Status: verify.Untested, Window: diagnose.Span{From: at(520), To: at(900)},
		Job: &verify.JobRun{Hook: "aiowps_clean_old_events", Due: at(86405), Took: -1}, Next: at(86405 + 600), Before: purgeVerdict().Visitors}
	unasked := rs[0]
	unasked.ID, unasked.Outcome = 5, nil
	with := unasked // of the same, so told together
	with.ID, with.Plan.Remedy = 6, "add-index"
	return append(rs, waiting, unasked, with)
}
