import { storedDoor } from './stored.ts'

/** Stops an answer that is being worked on in the background. */
export const endpoint = storedDoor({ method: 'POST', tail: '/cancel' })
