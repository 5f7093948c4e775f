/** A pattern in which `*` stands for any text; everything else is meant as it stands, letters of either case. */
export function glob(pattern: string): (text: string) => boolean {
  const parts = pattern.split('*').map(part => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  const shape = new RegExp(`^${parts.join('[^]*')}$`, 'i')
  return text => shape.test(text)
}
