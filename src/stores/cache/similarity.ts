/** Of two vectors of one length. Four sums at once: a processor does not wait for one addition to begin the next. */
export function dot(one: Float32Array, other: Float32Array): number {
  const whole = one.length - (one.length % 4)
  let [a, b, c, d] = [0, 0, 0, 0]
  for (let at = 0; at < whole; at += 4) {
    a += (one[at] as number) * (other[at] as number)
    b += (one[at + 1] as number) * (other[at + 1] as number)
    c += (one[at + 2] as number) * (other[at + 2] as number)
    d += (one[at + 3] as number) * (other[at + 3] as number)
  }
  for (let at = whole; at < one.length; at++) a += (one[at] as number) * (other[at] as number)
  return a + b + c + d
}

/** Cosine of the angle between two vectors of one length; undefined where one of them has no direction. */
export function cosine(one: Float32Array, other: Float32Array): number | undefined {
  const score = dot(one, other) / Math.sqrt(dot(one, one) * dot(other, other))
  return Number.isFinite(score) ? score : undefined
}

/** Little-endian, whatever the machine: files and servers are read by others. */
export function packVector(vector: Float32Array): Buffer<ArrayBuffer> {
  const packed = Buffer.alloc(vector.length * 4)
  for (let at = 0; at < vector.length; at++) packed.writeFloatLE(vector[at] as number, at * 4)
  return packed
}

export function unpackVector(packed: Uint8Array): Float32Array {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength)
  const vector = new Float32Array(packed.byteLength >> 2)
  for (let at = 0; at < vector.length; at++) vector[at] = view.getFloat32(at * 4, true)
  return vector
}
