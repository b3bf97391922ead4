package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"hirune/lab/weblog"
)

func TestWeblogWritesTheTruthBesideTheLog(t *testing.T) {
	out := filepath.Join(t.TempDir(), "access.log")
	var stdout, stderr bytes.Buffer
	if err := dispatch(context.Background(), []string{"weblog", "--lines", "500", "--format", "timed", "--out", out}, &stdout, &stderr); err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
	log, err1 := os.ReadFile(out)
	text, err2 := os.ReadFile(out + ".json")
	var truth weblog.Truth
	if err1 != nil || err2 != nil || json.Unmarshal(text, &truth) != nil {
		t.Fatalf("%v, %v: %s", err1, err2, text)
	}
	if n := bytes.Count(log, []byte{'\n'}); n != 500 || truth.Lines != 500 || truth.Bytes != int64(len(log)) || truth.Format != weblog.Formats["timed"] || stdout.Len() > 0 {
		t.Errorf("got %d lines, %+v", n, truth)
	}
	for _, wrong := range [][]string{{"weblog"}, {"weblog", "--out", out, "more"}, {"weblog", "--out", "-", "--lines", "0"}} {
		if err := dispatch(context.Background(), wrong, &stdout, &stderr); err == nil {
			t.Errorf("%q: no error", wrong)
		}
	}
}
