/** How long the provider lets an id be. */
const LENGTH_MAX = 64

/**
 * Ids for the items of a reply, by their place in it: `msg_gh_<reply>_0`. The same reply gives the same ids, whole or
 * streamed; the prefix tells the kind, as the provider requires.
 */
export function itemIds(replyId: string): (prefix: string, index: number) => string {
  const salt = replyId.replace(/[^\w-]/g, '') || 'reply'
  return (prefix, index) => {
    const [start, end] = [`${prefix}${MARK}`, `_${index}`]
    return `${start}${salt.slice(0, LENGTH_MAX - start.length - end.length)}${end}`
  }
}

const MARK = '_gh_'

/** Whether we gave the item this id, whose answer another dialect's provider made: nobody keeps it. */
export function isMade(id: unknown): boolean {
  return typeof id === 'string' && /^(?:msg|rs|fc|ctc)_gh_/.test(id)
}
