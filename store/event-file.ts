/**
 * TensorBoard event files: a sequence of TFRecords, each an Event message of protocol buffers. Only scalars are
 * written, so the few fields are encoded here by hand; their numbers are those of tensorflow/core/util/event.proto
 * and tensorflow/core/framework/summary.proto.
 */
import { crc32c } from './crc32c.ts';

export interface ScalarEvent {
  step: number;
  /** Seconds since 1970. */
  wallTimeSec: number;
  /** Curve name -> value; stored as float32. */
  scalars: Record<string, number>;
}

/** The first record of every event file; TensorBoard refuses files that do not begin with it. */
const FILE_VERSION = 'brain.Event:2';
/** Added to the rotated checksum, see tensorflow/core/lib/hash/crc32c.h. */
const MASK = 0xa282ead8;

/** The whole file; a training rewrites it after each epoch, so that it is never torn. */
export function encodeEvents(events: ScalarEvent[]): Uint8Array {
  const first = message([doubleField(1, events[0]?.wallTimeSec ?? 0), textField(3, FILE_VERSION)]);
  return Buffer.concat([first, ...events.map(encodeEvent)].map(encodeRecord));
}

/** Event { double wall_time = 1; int64 step = 2; Summary summary = 5 } */
function encodeEvent({ step, wallTimeSec, scalars }: ScalarEvent): Buffer {
  const values = Object.entries(scalars).map(([tag, value]) => bytesField(1, encodeValue(tag, value)));
  return message([doubleField(1, wallTimeSec), intField(2, step), bytesField(5, message(values))]);
}

/** Summary.Value { string tag = 1; float simple_value = 2 } */
function encodeValue(tag: string, value: number): Buffer {
  return message([textField(1, tag), floatField(2, value)]);
}

/** TFRecord: length (64 bits), its masked checksum, the data, their masked checksum; little endian. */
function encodeRecord(data: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeBigUInt64LE(BigInt(data.length));
  head.writeUInt32LE(maskedCrc(head.subarray(0, 8)), 8);
  const tail = Buffer.alloc(4);
  tail.writeUInt32LE(maskedCrc(data));
  return Buffer.concat([head, data, tail]);
}

/** Rotated right by 15 bits and shifted by a constant, because a checksum over checksums would be weak. */
function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + MASK) >>> 0;
}

function message(fields: Buffer[]): Buffer {
  return Buffer.concat(fields);
}

/** Field number and wire type (0: varint, 1: 64 bits, 2: bytes with their length, 5: 32 bits) in one varint. */
function tag(field: number, wireType: number): Buffer {
  return varint((field << 3) | wireType);
}

function intField(field: number, value: number): Buffer {
  return Buffer.concat([tag(field, 0), varint(value)]);
}

function doubleField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([tag(field, 1), bytes]);
}

function floatField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([tag(field, 5), bytes]);
}

function bytesField(field: number, bytes: Buffer): Buffer {
  return Buffer.concat([tag(field, 2), varint(bytes.length), bytes]);
}

function textField(field: number, text: string): Buffer {
  return bytesField(field, Buffer.from(text));
}

/** Seven bits a byte, lowest first; the highest bit says that more follow. By division, for values above 2^32. */
function varint(value: number): Buffer {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`Expected a whole number from 0 to 2^53, got ${value}.`);
  }
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}
