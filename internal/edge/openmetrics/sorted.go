package openmetrics

import (
	"bufio"
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
)

// value is a sample as it is sorted: when, of which target, which of its keys.
type value struct {
	at     int64
	target uint16
	key    uint32
	v      float64
}

func (a value) compare(b value) int {
	return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.target, b.target), cmp.Compare(a.key, b.key))
}

const (
	runMost   = 1 << 20 // values in memory: 24 MB
	valueSize = 8 + 2 + 4 + 8
	runsMost  = 2000 // sorted runs on disk: some two thousand million samples
)

// sorter brings values into the order of time in bounded memory: a dump has one
// series after the other. What does not fit goes to a temporary file.
type sorter struct {
	most int // values in memory
	mem  []value
	file *os.File
	w    *bufio.Writer
	ends []int64 // of the runs in the file
	off  int64
}

func newSorter(most int) *sorter { return &sorter{most: most} }

func (s *sorter) add(v value) error {
	if len(s.mem) >= s.most {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.mem = append(s.mem, v)
	return nil
}

// spill writes what is in memory to disk, sorted.
func (s *sorter) spill() error {
	if len(s.ends) >= runsMost {
		return errors.New("there are too many samples: import a shorter time (promtool: --min-time, --max-time)")
	}
	if s.file == nil {
		f, err := os.CreateTemp("", "hirune-import-*")
		if err != nil {
			return fmt.Errorf("keep the samples: %w", err)
		}
		s.file, s.w = f, bufio.NewWriterSize(f, 1<<18)
		if err := os.Remove(f.Name()); err != nil { // it goes when it is closed, whatever happens
			return fmt.Errorf("keep the samples: %w", err)
		}
	}
	slices.SortStableFunc(s.mem, value.compare)
	var b [valueSize]byte
	for _, v := range s.mem {
		binary.LittleEndian.PutUint64(b[0:], uint64(v.at))
		binary.LittleEndian.PutUint16(b[8:], v.target)
		binary.LittleEndian.PutUint32(b[10:], v.key)
		binary.LittleEndian.PutUint64(b[14:], math.Float64bits(v.v))
		if _, err := s.w.Write(b[:]); err != nil {
			return fmt.Errorf("keep the samples: %w", err)
		}
	}
	s.off += int64(len(s.mem)) * valueSize
	s.ends = append(s.ends, s.off)
	s.mem = s.mem[:0]
	return nil
}

// each hands out all values in the order of time, of target and of key.
func (s *sorter) each(do func(value) error) error {
	slices.SortStableFunc(s.mem, value.compare)
	if s.file == nil {
		for _, v := range s.mem {
			if err := do(v); err != nil {
				return err
			}
		}
		return nil
	}
	if err := s.w.Flush(); err != nil {
		return fmt.Errorf("keep the samples: %w", err)
	}
	var m merge
	from := int64(0)
	room := max(1<<12, 32<<20/(len(s.ends)+1))
	for _, end := range s.ends {
		r := &run{in: bufio.NewReaderSize(io.NewSectionReader(s.file, from, end-from), room)}
		if err := r.next(); err != nil {
			return err
		}
		m = append(m, r)
		from = end
	}
	if len(s.mem) > 0 {
		m = append(m, &run{mem: s.mem[1:], head: s.mem[0], some: true})
	}
	heap.Init(&m)
	for len(m) > 0 {
		if err := do(m[0].head); err != nil {
			return err
		}
		if err := m[0].next(); err != nil {
			return err
		}
		if m[0].some {
			heap.Fix(&m, 0)
		} else {
			heap.Pop(&m)
		}
	}
	return nil
}

func (s *sorter) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// run is a sorted stretch, on disk or in memory.
type run struct {
	in   *bufio.Reader
	mem  []value
	head value
	some bool
}

func (r *run) next() error {
	if r.in == nil {
		if r.some = len(r.mem) > 0; r.some {
			r.head, r.mem = r.mem[0], r.mem[1:]
		}
		return nil
	}
	var b [valueSize]byte
	if _, err := io.ReadFull(r.in, b[:]); err != nil {
		if r.some = false; errors.Is(err, io.EOF) {
			return nil
		}
		return fmt.Errorf("read the samples back: %w", err)
	}
	r.head = value{int64(binary.LittleEndian.Uint64(b[0:])), binary.LittleEndian.Uint16(b[8:]), binary.LittleEndian.Uint32(b[10:]),
		math.Float64frombits(binary.LittleEndian.Uint64(b[14:]))}
	r.some = true
	return nil
}

// merge is a heap of runs by their heads.
type merge []*run

func (m merge) Len() int           { return len(m) }
func (m merge) Less(i, j int) bool { return m[i].head.compare(m[j].head) < 0 }
func (m merge) Swap(i, j int)      { m[i], m[j] = m[j], m[i] }
func (m *merge) Push(x any)        { *m = append(*m, x.(*run)) }
func (m *merge) Pop() any {
	old := *m
	last := old[len(old)-1]
	*m = old[:len(old)-1]
	return last
}
