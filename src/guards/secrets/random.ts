/** Shannon's entropy of a text's own characters, in bits a character: prose has 3 to 4, but no digits among letters. */
function entropyBits(text: string): number {
  const counts = new Map<string, number>()
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length)
  return bits
}

/** More of a text than this says nothing new of it. */
const LOOKED_AT = 256
const LENGTH_LEAST = 16

/**
 * Whether a run of characters looks drawn by chance: digits among letters again and again, or mixed case without words,
 * and few repeats. Names of things (`my-long-service-name`), versions and paths do not.
 */
export function looksRandom(text: string): boolean {
  if (text.length < LENGTH_LEAST) return false
  const run = text.slice(0, LOOKED_AT)
  const letters = run.replace(/[^A-Za-z]/g, '').length
  const digits = run.replace(/\D/g, '').length
  if (digits < 2 || letters < 4) return false
  const turns = (run.match(/[A-Za-z]\d|\d[A-Za-z]|[a-z][A-Z]{1,2}[a-z0-9]/g) ?? []).length
  return turns >= Math.max(3, run.length / 12) && entropyBits(run) >= (run.length < 24 ? 3 : 3.3)
}

const PLACEHOLDER =
  /^(?:x{3,}|\*{3,}|\.{3,}|-+|_+|<.*|\$.*|%.*|\{.*|\[.*|your[\W_].*|my[\W_].*|example.*|placeholder.*|changeme.*|redacted.*|dummy.*|test|secret|password|passwd|token|null|none|nil|undefined|true|false|string|str|os\.|process\.|env[.[(].*|config\..*|settings\..*|self\..*|this\..*)/i

/** Whether a value only stands for one: `<your key>`, `${KEY}`, `xxxx`, `process.env.KEY`. */
export function isPlaceholder(value: string): boolean {
  return PLACEHOLDER.test(value) || /^(.)\1*$/.test(value)
}
