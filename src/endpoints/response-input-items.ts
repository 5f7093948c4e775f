import { storedDoor } from './stored.ts'

/** What a kept answer was given to answer, page by page. */
export const endpoint = storedDoor({
  method: 'GET',
  tail: '/input_items',
  query: ['after', 'before', 'include', 'limit', 'order']
})
