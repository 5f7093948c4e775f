import type { Action } from '../guard.ts'

/** For checks whose findings are pieces of text. */
export const PIECE_ACTIONS: readonly Action[] = ['block', 'mask', 'restore', 'flag', 'shadow', 'reroute', 'retry']
