/** Ways in which somebody hides a value from a filter, and a reader or a model still reads it. */

const fromZero = (zero: number) => (value: string) =>
  value.replace(/\d/g, digit => String.fromCharCode(zero + Number(digit)))

export const DISGUISES: Readonly<Record<string, (value: string) => string>> = {
  'full-width': fromZero(0xff10),
  'arabic-indic': fromZero(0x0660),
  devanagari: fromZero(0x0966),
  'zero-width': value => [...value].join('\u200b'),
  spaced: value => [...value].join(' '),
  base64: value => Buffer.from(value).toString('base64')
}
