import { storedDoor } from './stored.ts'

/** An answer that is kept, also as a stream, from any of its events on. */
export const endpoint = storedDoor({
  method: 'GET',
  tail: '',
  query: ['include', 'include_obfuscation', 'starting_after', 'stream']
})
