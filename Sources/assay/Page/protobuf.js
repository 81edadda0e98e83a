// The protobuf wire format (proto3), as far as LiveKit's signalling uses it.

// A schema maps field names to [number, type]; a type is the name of a scalar, or a schema, or
// either in a list of one for a repeated field. Fields that are not in the schema are skipped.

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

const wireTypes = { bool: VARINT, uint: VARINT, int: VARINT, float: FIXED32 };

export function encode(schema, value) {
  const bytes = [];
  for (const [name, [number, type]] of Object.entries(schema)) {
    const field = value[name];
    if (field === undefined || field === null) continue;
    if (Array.isArray(type)) {
      for (const item of field) encodeField(bytes, number, type[0], item);
    } else if (typeof type === "object" || !isDefault(field)) {
      encodeField(bytes, number, type, field);
    }
  }
  return new Uint8Array(bytes);
}

function isDefault(field) {
  return field === 0 || field === false || field === "" || field.length === 0;
}

function encodeField(bytes, number, type, field) {
  writeVarint(bytes, number * 8 + (wireTypes[type] ?? BYTES));
  switch (type) {
    case "bool":
      return writeVarint(bytes, field ? 1 : 0);
    case "uint":
    case "int":
      return writeVarint(bytes, field);
    case "float":
      return bytes.push(...new Uint8Array(new Float32Array([field]).buffer));
    case "string":
      return writeBytes(bytes, new TextEncoder().encode(field));
    case "bytes":
      return writeBytes(bytes, field);
    default:
      return writeBytes(bytes, encode(type, field));
  }
}

function writeBytes(bytes, content) {
  writeVarint(bytes, content.length);
  for (const byte of content) bytes.push(byte);
}

// Negative numbers take ten bytes, as 64 bits of two's complement.
function writeVarint(bytes, number) {
  let rest = BigInt.asUintN(64, BigInt(Math.trunc(number)));
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
}

// Absent fields get proto3's defaults; absent messages are undefined.
export function decode(schema, bytes) {
  const value = {};
  const fieldOf = new Map();
  for (const [name, [number, type]] of Object.entries(schema)) {
    fieldOf.set(number, [name, type]);
    if (Array.isArray(type)) value[name] = [];
    else if (typeof type === "string") value[name] = defaultOf(type);
  }
  const reader = new Reader(bytes);
  while (!reader.isAtEnd) {
    const key = Number(reader.varint());
    const content = reader.content(key & 7);
    const field = fieldOf.get(Math.floor(key / 8));
    if (!field) continue;
    const [name, type] = field;
    if (Array.isArray(type)) value[name].push(...decodeItems(type[0], content));
    else value[name] = decodeField(type, content);
  }
  return value;
}

function defaultOf(type) {
  if (type === "string") return "";
  if (type === "bool") return false;
  return type === "bytes" ? new Uint8Array() : 0;
}

// Repeated numbers come packed, or one by one.
function decodeItems(type, content) {
  if (wireTypes[type] !== VARINT || !(content instanceof Uint8Array)) {
    return [decodeField(type, content)];
  }
  const items = [];
  const reader = new Reader(content);
  while (!reader.isAtEnd) items.push(decodeField(type, reader.varint()));
  return items;
}

function decodeField(type, content) {
  switch (type) {
    case "bool":
      return content !== 0n;
    case "uint":
      return Number(content);
    case "int":
      return Number(BigInt.asIntN(64, content));
    case "float":
      return new DataView(content.buffer, content.byteOffset, 4).getFloat32(0, true);
    case "string":
      return new TextDecoder().decode(content);
    case "bytes":
      return content;
    default:
      return decode(type, content);
  }
}

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.position = 0;
  }

  get isAtEnd() {
    return this.position >= this.bytes.length;
  }

  varint() {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.isAtEnd) break;
      const byte = this.bytes[this.position++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
    throw new Error("a number does not end");
  }

  content(wireType) {
    switch (wireType) {
      case VARINT:
        return this.varint();
      case FIXED64:
        return this.take(8);
      case FIXED32:
        return this.take(4);
      case BYTES:
        return this.take(Number(this.varint()));
      default:
        throw new Error(`unknown wire type ${wireType}`);
    }
  }

  take(count) {
    if (this.position + count > this.bytes.length) throw new Error("a field is cut off");
    this.position += count;
    return this.bytes.subarray(this.position - count, this.position);
  }
}
