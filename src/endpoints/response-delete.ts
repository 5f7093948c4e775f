import { storedDoor } from './stored.ts'

/** Has a kept answer forgotten. */
export const endpoint = storedDoor({ method: 'DELETE', tail: '' })
