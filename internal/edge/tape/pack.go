package tape

import (
	"bytes"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"hirune/internal/core/evidence"
)

// packer compresses. It holds one encoder with a window that just holds a
// minute of facts: the default of 8 MB would be most of the recorder's memory.
type packer struct{ enc *zstd.Encoder }

func newPacker(best bool) (*packer, error) {
	level, window := zstd.SpeedDefault, 256<<10
	if best {
		level, window = zstd.SpeedBestCompression, 4<<20
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true),
		zstd.WithWindowSize(window), zstd.WithEncoderLevel(level), zstd.WithEncoderCRC(true))
	if err != nil {
		return nil, fmt.Errorf("set up the compressor: %w", err)
	}
	return &packer{enc}, nil
}

// pack appends the compressed raw to dst.
func (p *packer) pack(dst, raw []byte) []byte { return p.enc.EncodeAll(raw, dst) }

// unpacker decompresses; what would unpack to more than maxDecoded is refused.
type unpacker struct {
	dec *zstd.Decoder
	buf []byte
}

func newUnpacker() (*unpacker, error) {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxDecoded))
	if err != nil {
		return nil, fmt.Errorf("set up the decompressor: %w", err)
	}
	return &unpacker{dec: dec}, nil
}

// records unpacks a row's data. What could be read before an error comes with it.
func (u *unpacker) records(data []byte) ([]evidence.Record, int, error) {
	raw, err := u.dec.DecodeAll(data, u.buf[:0])
	if err != nil {
		return nil, 0, fmt.Errorf("decompress a block: %w", err)
	}
	u.buf = raw
	return evidence.Decode(bytes.NewReader(raw))
}

func (u *unpacker) close() { u.dec.Close() }
