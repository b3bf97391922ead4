package collectors

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"path"
	"time"
)

const (
	// statusTimeout bounds a status page: one that is served by a full pool
	// never comes.
	statusTimeout = 300 * time.Millisecond
	maxStatus     = 64 << 10 // bytes of a status page
)

// fpmStatus is what PHP-FPM's status page says, as far as it concerns us.
type fpmStatus struct {
	Pool    string `json:"pool"`
	Queue   int    `json:"listen queue"`
	Backlog int    `json:"listen queue len"`
	Active  int    `json:"active processes"`
	Total   int    `json:"total processes"`
}

// askFPM gets the status page over FastCGI.
func askFPM(ctx context.Context, listen, page string) (fpmStatus, error) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	network := "tcp"
	if path.IsAbs(listen) {
		network = "unix"
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, listen)
	if err != nil {
		return fpmStatus{}, fmt.Errorf("connect to php-fpm at %s: %w", listen, err)
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return fpmStatus{}, fmt.Errorf("ask php-fpm at %s: %w", listen, err)
	}
	if _, err := conn.Write(fcgiRequest(page)); err != nil {
		return fpmStatus{}, fmt.Errorf("ask php-fpm at %s: %w", listen, err)
	}
	body, err := fcgiAnswer(bufio.NewReader(conn))
	if err != nil {
		return fpmStatus{}, fmt.Errorf("read the status of php-fpm at %s: %w", listen, err)
	}
	return parseFPMStatus(body)
}

// parseFPMStatus takes a CGI answer: head lines, an empty line, JSON.
func parseFPMStatus(body []byte) (fpmStatus, error) {
	head, text, ok := bytes.Cut(body, []byte("\r\n\r\n"))
	if !ok || bytes.Contains(head, []byte("Status: ")) {
		return fpmStatus{}, errors.New("the status page of php-fpm: not found there")
	}
	var s fpmStatus
	if err := json.Unmarshal(text, &s); err != nil {
		return fpmStatus{}, fmt.Errorf("the status page of php-fpm: %w", err)
	}
	return s, nil
}

// Kinds of FastCGI records. Source: FastCGI specification 1.0.
const (
	fcgiBegin  = 1
	fcgiEnd    = 3
	fcgiParams = 4
	fcgiStdin  = 5
	fcgiStdout = 6
)

// fcgiRequest is a whole GET request for a page, connection closed after it.
func fcgiRequest(page string) []byte {
	var params []byte
	for _, kv := range [][2]string{
		{"SCRIPT_NAME", page}, {"SCRIPT_FILENAME", page}, {"REQUEST_URI", page + "?json"},
		{"QUERY_STRING", "json"}, {"REQUEST_METHOD", "GET"}, {"SERVER_PROTOCOL", "HTTP/1.1"}, {"REMOTE_ADDR", "127.0.0.1"},
	} {
		params = appendFCGIPair(params, kv[0], kv[1])
	}
	b := appendFCGI(nil, fcgiBegin, []byte{0, 1, 0, 0, 0, 0, 0, 0}) // responder, do not keep
	b = appendFCGI(b, fcgiParams, params)
	b = appendFCGI(b, fcgiParams, nil)
	return appendFCGI(b, fcgiStdin, nil)
}

func appendFCGI(b []byte, kind byte, content []byte) []byte {
	b = append(b, 1, kind, 0, 1)
	b = binary.BigEndian.AppendUint16(b, uint16(len(content)))
	b = append(b, 0, 0)
	return append(b, content...)
}

func appendFCGIPair(b []byte, name, value string) []byte {
	for _, s := range []string{name, value} {
		if len(s) < 128 {
			b = append(b, byte(len(s)))
		} else {
			b = binary.BigEndian.AppendUint32(b, uint32(len(s))|1<<31)
		}
	}
	return append(append(b, name...), value...)
}

// fcgiAnswer collects standard output up to the end of the request.
func fcgiAnswer(r io.Reader) ([]byte, error) {
	var out []byte
	var head [8]byte
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return nil, err
		}
		size := int(binary.BigEndian.Uint16(head[4:]))
		content := make([]byte, size+int(head[6]))
		if _, err := io.ReadFull(r, content); err != nil {
			return nil, err
		}
		switch head[1] {
		case fcgiStdout:
			if out = append(out, content[:size]...); len(out) > maxStatus {
				return nil, errors.New("the answer is too long")
			}
		case fcgiEnd:
			return out, nil
		}
	}
}
